import { describe, expect, it } from 'vitest'
import { forwardSubject, replySubject } from './draft-subject.ts'

describe('the subject of an answer', () => {
  it.each([
    ['Hello', 'Re: Hello'],
    ['', 'Re:'],
    ['Re: Hello', 'Re: Hello'],
    ['RE: AW: Re[2]: SV: Odp: Hello', 'Re: Hello'],
    ['回复：您好', 'Re: 您好'],
    ['[postern] Re: Hello', 'Re: [postern] Hello'],
    ['Re: [postern] Re: Hello', 'Re: [postern] Hello'],
    ['Fwd: Hello', 'Re: Fwd: Hello'],
    // Words, not marks.
    ['Reply: to all', 'Re: Reply: to all'],
    ['Area: north', 'Re: Area: north'],
  ])('of “%s” is “%s”', (subject, expected) => expect(replySubject(subject)).toBe(expected))
})

describe('the subject of mail that is passed on', () => {
  it.each([
    ['Hello', 'Fwd: Hello'],
    ['WG: FW: Fwd: Hello', 'Fwd: Hello'],
    ['Re: Hello', 'Fwd: Re: Hello'],
    ['Tramway: late', 'Fwd: Tramway: late'],
  ])('of “%s” is “%s”', (subject, expected) => expect(forwardSubject(subject)).toBe(expected))
})

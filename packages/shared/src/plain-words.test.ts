import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { plainWords } from './plain-words.ts'

const said = (schema: z.ZodType, input: unknown) =>
  schema.safeParse(input, { error: plainWords }).error?.issues.map(({ message }) => message)

describe('what is wrong with a field', () => {
  it.each([
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(3), 'ab', 'must have at least 3 characters'],
    [z.string().max(1), 'ab', 'must have at most 1 character'],
    [z.string(), undefined, 'is missing'],
    [z.string(), 5, 'must be text'],
    [z.int().min(1), 0, 'must be at least 1'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.coerce.number().int().max(200), '201', 'must be at most 200'],
    [z.coerce.number(), 'many', 'must be a number'],
    [z.number().gt(0), 0, 'must be more than 0'],
    [z.boolean(), 'yes', 'must be true or false'],
    [z.array(z.string()).min(1), [], 'must not be empty'],
    [z.array(z.string()).max(2), ['a', 'b', 'c'], 'must have at most 2 entries'],
    [z.email(), 'nobody', 'is not a mail address'],
    [z.url(), 'nowhere', 'is not a web address'],
    [z.uuid(), '1', 'is not a UUID'],
    [z.string().regex(/^a$/), 'b', 'is not in the right form'],
    [z.string().regex(/^a$/, 'is not an a'), 'b', 'is not an a'],
    [z.enum(['tls', 'plain']), 'ssl', 'must be one of: tls, plain'],
    [z.literal(true), false, 'must be true'],
    [z.strictObject({}), { colour: 1 }, 'holds what is not known here: colour'],
    [z.record(z.string().max(2), z.string()), { abc: '' }, 'holds a name that is not in the right form'],
    [
      z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]),
      { kind: 'c' },
      'must be one of: a, b',
    ],
    [z.union([z.string(), z.number()]), true, 'has none of the forms that are known here'],
    [z.strictObject({}), [], 'must be an object'],
    [z.custom(() => false), 1, 'is not right'],
  ])('%# is said in plain words', (schema, input, words) => {
    expect(said(schema, input)).toEqual([words])
  })
})

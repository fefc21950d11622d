import type { z } from 'zod'

/**
 * What is wrong with a field, as the end of a sentence that begins with its name: "must not be empty". The library's own
 * words name its types and operators. Schemas may still bring words of their own. For `z.config({ customError })`.
 */
export const plainWords = (issue: z.core.$ZodRawIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : (typeWords[String(issue.expected)] ?? 'is of the wrong kind')
    case 'too_small':
      return sizeWords(issue.origin, issue.minimum, issue.inclusive === false ? 'more than' : 'at least')
    case 'too_big':
      return sizeWords(issue.origin, issue.maximum, issue.inclusive === false ? 'less than' : 'at most')
    case 'invalid_format':
      return formatWords[String(issue.format)] ?? 'is not in the right form'
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_value':
      return oneOf(issue.values)
    case 'unrecognized_keys':
      return `holds what is not known here: ${listed(issue.keys)}`
    case 'invalid_key':
      return 'holds a name that is not in the right form'
    case 'invalid_union':
      return Array.isArray(issue.options) ? oneOf(issue.options) : 'has none of the forms that are known here'
    default:
      return 'is not right'
  }
}

const typeWords: Record<string, string> = {
  string: 'must be text',
  number: 'must be a number',
  int: 'must be a whole number',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be an object',
  record: 'must be an object',
}

const formatWords: Record<string, string> = {
  email: 'is not a mail address',
  url: 'is not a web address',
  uuid: 'is not a UUID',
  datetime: 'is not a time such as 2026-01-31T12:00:00Z',
}

const sizeWords = (origin: unknown, limit: number | bigint, bound: string): string => {
  const isOne = BigInt(Math.trunc(Number(limit))) === 1n
  if (origin === 'string' || origin === 'array') {
    if (isOne && bound === 'at least') return 'must not be empty'
    const [one, many] = origin === 'string' ? ['character', 'characters'] : ['entry', 'entries']
    return `must have ${bound} ${limit} ${isOne ? one : many}`
  }
  return `must be ${bound} ${limit}`
}

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? `must be ${String(values[0])}` : `must be one of: ${listed(values)}`

const maxListed = 12
const listed = (values: readonly unknown[]): string => {
  const words = values.slice(0, maxListed).map((value) => String(value).slice(0, 64))
  return words.join(', ') + (values.length > maxListed ? ', ...' : '')
}

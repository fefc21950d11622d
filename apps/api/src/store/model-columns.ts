import { Prisma } from './generated/client.ts'

/** Columns of a table under the names its Prisma model gives them, which are made by one rule: `account_id AS "accountId"`. */
export const modelColumns = (fields: string[]): Prisma.Sql =>
  Prisma.raw(
    fields
      .map((field) => `${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} AS "${field}"`)
      .join(', '),
  )

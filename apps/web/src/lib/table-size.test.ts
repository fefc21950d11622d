import { expect, it } from 'vitest'
import { filledCells } from './table-size.ts'

const cell = { colSpan: 1, rowSpan: 1 }
const rowOf = (count: number, span: Partial<typeof cell> = {}) => ({
  cells: Array.from({ length: count }, () => ({ ...cell, ...span })),
})
const rows = (count: number, row: ReturnType<typeof rowOf>) => Array.from({ length: count }, () => row)

it('a table is as large as the rectangle it is filled to, with what hangs into its rows from above', () => {
  expect(filledCells([])).toBe(0)
  expect(filledCells(rows(3, rowOf(4)))).toBe(12)
  expect(filledCells([rowOf(2), rowOf(300), rowOf(1)])).toBe(900)
  expect(filledCells([rowOf(1, { colSpan: 3, rowSpan: 2 }), rowOf(2), rowOf(2)])).toBe(15)
  // Each row is narrow; two hundred columns hang into all of the first hundred.
  const hanging = rows(2, rowOf(1, { colSpan: 100, rowSpan: 100 }))
  expect(filledCells([...hanging, ...rows(98, rowOf(1)), ...rows(900, rowOf(1))])).toBe(201 * 1000)
  // Spans count as far as the editor takes them.
  expect(filledCells([rowOf(1, { colSpan: 1000, rowSpan: 65_534 })])).toBe(100)
  expect(filledCells([rowOf(1, { colSpan: 0, rowSpan: 0 }), rowOf(1)])).toBe(2)
})

it('many rows are measured at once', () => {
  expect(filledCells(rows(100_000, rowOf(1, { colSpan: 100, rowSpan: 100 })))).toBe(100_000 * 10_000)
})

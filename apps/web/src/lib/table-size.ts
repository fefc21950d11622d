/** The editor fills every table to a rectangle: a few cells that span many rows and columns would become millions. */
export const maxSpan = 100
/** All tables of a text together; more than that no page carries. */
export const maxTableCells = 20_000

type Row = { cells: Iterable<{ colSpan: number; rowSpan: number }> }

/** Cells of a table once it is filled: as many rows as it has, each as wide as the widest, with what hangs into it from above. */
export const filledCells = (rows: readonly Row[]): number => {
  const ends = new Map<number, number>()
  let open = 0
  let widest = 0
  for (const [at, { cells }] of rows.entries()) {
    open -= ends.get(at) ?? 0
    for (const { colSpan, rowSpan } of cells) {
      const end = at + spanOf(rowSpan)
      open += spanOf(colSpan)
      ends.set(end, (ends.get(end) ?? 0) + spanOf(colSpan))
    }
    widest = Math.max(widest, open)
  }
  return rows.length * widest
}

const spanOf = (told: number): number => Math.min(maxSpan, Math.max(1, told))

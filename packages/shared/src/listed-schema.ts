import type { z } from 'zod'

type Lines = z.ZodArray<z.ZodString>

/** Lines that are all `what`, as `read` keeps them; null for what is none, which is then named in what is said of the field. */
export const listedAs = (
  lines: Lines,
  { read, what }: { read: (line: string) => string | null; what: string },
): Lines =>
  lines
    .superRefine((typed, context) => {
      const wrong = typed.find((line) => read(line.trim()) === null)
      if (wrong !== undefined) context.addIssue({ code: 'custom', message: `hold “${wrong}”, which is ${what}` })
    })
    .overwrite((typed) => typed.map((line) => read(line.trim()) ?? line))

/** What went wrong, and what can be done about it. `title`: of which of several things it is told. */
export const Problem = ({
  problem,
  title,
}: {
  problem: { message: string; detail: { hint?: string | undefined } } | null
  title?: string | undefined
}) =>
  problem && (
    <div className="notice bad" role="alert" tabIndex={-1}>
      {title && <strong>{title} </strong>}
      {problem.message} {problem.detail.hint}
    </div>
  )

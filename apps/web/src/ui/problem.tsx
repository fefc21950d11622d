/** What went wrong, and what can be done about it. */
export const Problem = ({ problem }: { problem: { message: string; detail: { hint?: string | undefined } } | null }) =>
  problem && (
    <div className="notice bad" role="alert" tabIndex={-1}>
      {problem.message} {problem.detail.hint}
    </div>
  )

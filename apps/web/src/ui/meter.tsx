/** How much of some work is done; what is counted is the caller's: mails, octets or percent. */
export const Meter = ({ label, done, total }: { label: string; done: number; total: number }) => (
  <div
    className="meter"
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={total}
    aria-valuenow={done}
  >
    <div style={{ width: `${total > 0 ? Math.round((done / total) * 100) : 0}%` }} />
  </div>
)

/** Of a mail: whom it is from, for, and the like, each by its name. What is empty has no line. */
export const HeadLines = ({ lines }: { lines: [name: string, value: string | undefined][] }) => (
  <dl className="head-lines">
    {lines.map(
      ([name, value]) =>
        value && (
          <div key={name}>
            <dt className="muted">{name}</dt>
            <dd>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ),
    )}
  </dl>
)

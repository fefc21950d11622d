import { Component, type ReactNode } from 'react'
import { t } from '#lib/text.ts'

type Props = { at: string; children: ReactNode }
type State = { at: string; isBroken: boolean }

/**
 * Stands in for a screen that cannot be drawn: most often one that was never loaded, and now the connection is away or the
 * server has another version. Another address begins anew.
 */
export class BrokenScreen extends Component<Props, State> {
  override state: State = { at: this.props.at, isBroken: false }

  static getDerivedStateFromError(): Partial<State> {
    return { isBroken: true }
  }

  static getDerivedStateFromProps({ at }: Props, state: State): State {
    return at === state.at ? state : { at, isBroken: false }
  }

  override render(): ReactNode {
    if (!this.state.isBroken) return this.props.children
    return (
      <main className="centre">
        <div role="alert">
          <h1>{t('broken.title')}</h1>
          <p>{t('broken.text')}</p>
        </div>
        <div className="row">
          <button type="button" className="button" onClick={() => history.back()}>
            {t('back')}
          </button>
          <button type="button" className="button primary" onClick={() => location.reload()}>
            {t('version.reload')}
          </button>
        </div>
      </main>
    )
  }
}

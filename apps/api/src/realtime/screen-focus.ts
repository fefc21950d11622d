import type { Logger } from '#platform/logger.ts'
import { findOwnMailbox } from '#store/commands.ts'
import type { Store } from '#store/open-store.ts'

type Deps = {
  store: Store
  logger: Logger
  /** All mailboxes of an account that this screen shows; none when it shows another account now, or is gone. */
  onFocus: (accountId: bigint, screen: string, mailboxIds: bigint[]) => Promise<void>
}

/** What each screen shows, told to the engine account by account. */
export class ScreenFocus {
  readonly #deps: Deps
  /** Accounts each screen shows something of, and the telling under way: one after another, so that the last one counts. */
  readonly #screens = new Map<string, { accountIds: Set<bigint>; told: Promise<void> }>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  show(screen: string, userId: bigint, mailboxIds: bigint[]): void {
    const known = this.#screens.get(screen) ?? { accountIds: new Set(), told: Promise.resolve() }
    this.#screens.set(screen, known)
    known.told = known.told
      .then(() => this.#tell(screen, known.accountIds, userId, mailboxIds))
      .catch((error: unknown) => this.#deps.logger.debug({ err: error }, 'a focus was not passed on'))
  }

  end(screen: string, userId: bigint): void {
    if (!this.#screens.has(screen)) return
    this.show(screen, userId, [])
    this.#screens.delete(screen)
  }

  async #tell(screen: string, accountIds: Set<bigint>, userId: bigint, mailboxIds: bigint[]): Promise<void> {
    const { store, onFocus } = this.#deps
    const byAccount = new Map<bigint, bigint[]>([...accountIds].map((id) => [id, []]))
    for (const mailboxId of mailboxIds) {
      const mailbox = await store.read(userId, (tx) => findOwnMailbox(tx, userId, mailboxId))
      if (mailbox) byAccount.set(mailbox.accountId, [...(byAccount.get(mailbox.accountId) ?? []), mailbox.id])
    }
    for (const [accountId, ids] of byAccount) {
      await onFocus(accountId, screen, ids)
      if (ids.length > 0) accountIds.add(accountId)
      else accountIds.delete(accountId)
    }
  }
}

import { inspect } from 'node:util'

/** A password on its way: prints as `[secret]` wherever it might be printed by accident. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  /** Takes it out of what others said about it: some servers repeat the whole login in their refusal. */
  hideIn(text: string): string {
    return this.#value === '' ? text : text.replaceAll(this.#value, '[secret]')
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

import { inspect } from 'node:util'

const base64 = /[a-z0-9+/]{4,}={0,2}/gi

/** A password on its way: prints as `[secret]` wherever it might be printed by accident. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  /** Takes it out of what others said about it: some servers repeat the whole login in their refusal, also as SASL sent it. */
  hideIn(text: string): string {
    if (this.#value === '') return text
    const isLogin = (token: string) => Buffer.from(token, 'base64').includes(this.#value)
    return text.replaceAll(this.#value, '[secret]').replace(base64, (token) => (isLogin(token) ? '[secret]' : token))
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

/** Bytes to pass on; what is left out was stopped. */
export type Watch = { toServer: (bytes: Buffer) => Buffer; toClient: (bytes: Buffer) => Buffer }

/** Asked at each moment at which a kill matters; false when everything ends here. */
export type Pass = (what: string) => boolean

/** What a peer was told and what it answered, in the order of the wire; for whoever judges a run afterwards. */
export type Seen =
  | { kind: 'command'; session: number; line: string }
  /** `lines`: of a multi-line answer, as they came. */
  | { kind: 'answer'; session: number; command: string; isOk: boolean; lines: string[] }
  /** `values`: the parameters of every statement in it. One that waits for the disk takes all that was before with it. */
  | { kind: 'commit'; isSynchronous: boolean; values: Buffer[] }
export type Tell = (seen: Seen) => void

export const nothing = Buffer.alloc(0)

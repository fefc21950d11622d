import { ApiError } from './api.ts'

/** A part of the program that comes when somebody asks for what it does. One that does not come is no answer: throws ApiError. */
export const loadPart = <Part>(part: Promise<Part>): Promise<Part> =>
  part.catch(() => {
    throw new ApiError('unreachable', {})
  })

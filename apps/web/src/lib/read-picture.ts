/** A picture stands in every mail: large ones make all of them large. */
const maxPictureBytes = 150_000

/** As a `data:` address, for a signature or a template. Fails for what is no picture, or too large for every mail. */
export const readPicture = async (file: Blob): Promise<string> => {
  if (file.size > maxPictureBytes || !/^image\/(?:png|jpeg|gif|webp)$/.test(file.type))
    throw new Error('is no picture for every mail')
  return dataAddress(file)
}

/** All of it as a `data:` address. */
export const dataAddress = (file: Blob): Promise<string> =>
  new Promise((done, fail) => {
    const reader = new FileReader()
    reader.onload = () => done(String(reader.result))
    reader.onerror = () => fail(reader.error)
    reader.readAsDataURL(file)
  })

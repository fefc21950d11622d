/** A picture stands in every mail: large ones make all of them large. */
const maxPictureBytes = 150_000

/** As a `data:` address, for a signature or a template. Fails for what is no picture, or too large for every mail. */
export const readPicture = (file: Blob): Promise<string> =>
  new Promise((done, fail) => {
    if (file.size > maxPictureBytes || !/^image\/(?:png|jpeg|gif|webp)$/.test(file.type))
      return fail(new Error('is no picture for every mail'))
    const reader = new FileReader()
    reader.onload = () => done(String(reader.result))
    reader.onerror = () => fail(reader.error)
    reader.readAsDataURL(file)
  })

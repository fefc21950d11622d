const declared = /<(?:html|body)\b[^<>]*?\blang\s*=\s*["']?([a-z]{2,3}(?:-[a-z0-9]{2,8})*)/i

/**
 * The language by which what is written is spelled: that of the mail it answers, where that says it and it is one of the person's, as
 * the person writes it; else the first of theirs. BCP 47.
 */
export const writtenLanguage = (answered: string | null, own: readonly string[]): string => {
  const [, language = ''] = declared.exec(answered ?? '') ?? []
  const base = (tag: string) => tag.toLowerCase().split('-')[0]
  const theirs =
    own.find((one) => one.toLowerCase() === language.toLowerCase()) ?? own.find((one) => base(one) === base(language))
  return theirs ?? own[0] ?? ''
}

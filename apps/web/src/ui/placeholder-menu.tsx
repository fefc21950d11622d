import { Braces } from 'lucide-react'
import { t } from '#lib/composer-text.ts'
import { type ChipName, placeholderNames } from '#lib/placeholders.ts'
import { Menu } from './menu.tsx'

/** What a template leaves to the mail it is put into. */
export const PlaceholderMenu = ({
  label,
  names = placeholderNames,
  isNamed = false,
  onPick,
}: {
  label: string
  names?: readonly ChipName[]
  /** The button says in words what it does. */
  isNamed?: boolean
  onPick: (name: ChipName) => void
}) => (
  <Menu
    label={label}
    {...(isNamed ? { text: label } : {})}
    icon={<Braces size={16} aria-hidden />}
    items={names.map((name) => ({ label: t(`placeholder.${name}`), onSelect: () => onPick(name) }))}
  />
)

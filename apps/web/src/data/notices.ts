/** Notices of the system are a wish of this device: both the browser and the person have to want them. */
const remembered = 'notices'

export const canNotify = (): boolean => 'Notification' in globalThis
export const wantsNotices = (): boolean =>
  canNotify() && Notification.permission === 'granted' && localStorage.getItem(remembered) === 'on'

/** Asks the browser when needed. Answers what is so now: `denied` can only be changed in the browser itself. */
export const setNotices = async (wanted: boolean): Promise<'on' | 'off' | 'denied'> => {
  if (!wanted || !canNotify()) {
    localStorage.removeItem(remembered)
    return 'off'
  }
  if ((await Notification.requestPermission()) !== 'granted') return 'denied'
  localStorage.setItem(remembered, 'on')
  return 'on'
}

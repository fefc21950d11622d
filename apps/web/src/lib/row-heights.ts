/** Of a conversation in a list, in px, by density; wide lists show each in one line. */
export const rowHeights = { compact: 46, normal: 50, roomy: 72 }
export const lineHeights = { compact: 30, normal: 36, roomy: 44 }

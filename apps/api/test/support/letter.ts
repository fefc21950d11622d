/** The source of a small mail: `Letter 7`, `<m7@example.org>`. Further header lines end with CRLF. */
export const letter = (n: number, headers = ''): string =>
  `From: "Ann Lee" <ann@example.org>\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\n${headers}Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}, the quetzal flies.\r\n`

/** Invented people and texts of the demo. Addresses end in .example, which nobody can own (RFC 2606). */
export const people = [
  { name: 'Ingrid Solberg', address: 'ingrid@fjord.example' },
  { name: 'Mateo Rivas', address: 'mateo@rivas.example' },
  { name: 'Aiko Tanabe', address: 'aiko@tanabe.example' },
  { name: 'Kwame Boateng', address: 'kwame@boateng.example' },
  { name: 'Lena Vogt', address: 'lena.vogt@werkstatt.example' },
  { name: 'Tom Hale', address: 'tom@hale.example' },
] as const

export const conversations = [
  {
    subject: 'Garden plans for the back wall',
    turns: [
      'Hello Robin,\n\nthe wall gets sun from noon on. I would try espalier pears there, and thyme between the stones. What do you think?',
      'Pears sound lovely. Do we have enough depth of soil, or should we build a bed first?',
      'About 60 cm, I measured. A low bed of oak would help. I can bring the boards on Saturday.',
      'One more thing: the neighbour asked whether we could leave a gap for the hedgehogs.',
    ],
  },
  {
    subject: 'Minutes of Tuesday',
    turns: [
      'All,\n\nattached in spirit: we agreed on the new opening hours, on two more chairs, and on asking the printer for an offer.\n\nPlease correct me where I am wrong.',
      'Thank you. I would add that the printer needs an answer by the 12th.',
      'Noted. I will call them tomorrow.',
    ],
  },
  {
    subject: 'Can you read this draft?',
    turns: [
      'It is the third version and I no longer see its faults. Twelve pages, the middle part worries me most.',
      'Happy to. Give me until Thursday.',
      'No hurry at all.\n\nThe sources are at the end; page nine quotes one of them wrongly, ignore that.',
      'I made a list of small things, and one large question: who is it for?',
      'That is the question. Let us talk on Friday.',
    ],
  },
  {
    subject: 'Train on Sunday',
    turns: [
      'There is one at 9:14 and one at 11:20. Which?',
      'The early one, then we have the whole day.',
      'Booked. Coach 7.',
    ],
  },
  {
    subject: 'Recipe as promised',
    turns: [
      '500 g of flour, 350 g of water, 10 g of salt, and patience. Fold it four times in two hours, then leave it in the cold overnight.',
      'It worked! The crust is perfect.',
    ],
  },
  {
    subject: 'Bug in the export',
    turns: [
      'Steps:\n1. open the list\n2. export as CSV\n3. look at line 200: the umlaut is broken\n\nExpected: ü. Seen: Ã¼.',
      'Smells like a charset said twice. I will look.',
      'Found it: the header said UTF-8, the writer assumed Latin-1. Fixed in the next build.',
    ],
  },
] as const

export const newsletters = [
  {
    title: 'Tide and Timber',
    from: { name: 'Tide and Timber', address: 'letter@tide.example' },
    color: '#1f5f5b',
    headlines: ['A boat shed that floats', 'Why larch lasts', 'Three joints without glue'],
    paragraph:
      'The yard at the end of the inlet has kept its doors open for a hundred years. We went to see what the winter left behind and who mends it.',
  },
  {
    title: 'The Slow Kitchen',
    from: { name: 'The Slow Kitchen', address: 'hello@slow.example' },
    color: '#8a3b12',
    headlines: ['Beans, again', 'Bread in a cold room', 'Salt: less is later'],
    paragraph:
      'Soak them the night before. Nothing else matters as much, and nothing is as easily forgotten on a day with other plans.',
  },
  {
    title: 'Open Maps Weekly',
    from: { name: 'Open Maps Weekly', address: 'weekly@maps.example' },
    color: '#2b4c9b',
    headlines: ['Footpaths found in old atlases', 'A better north', 'Names that moved'],
    paragraph:
      'Volunteers compared four surveys of the same valley and found eleven paths that nobody had walked on a screen before.',
  },
] as const

/** Texts in several scripts, some in the charset their writers' programs used. */
export const languages = [
  {
    from: { name: 'Sofia Åkesson', address: 'sofia@akesson.example' },
    charset: 'iso-8859-1',
    subjects: ['Fråga om båten', 'Hälsningar från skärgården'],
    text: 'Hej Robin,\n\nisen har gått och båten ligger i sjön. Kommer du över på lördag?\n\nSofia',
  },
  {
    from: { name: 'Jürgen Weiß', address: 'juergen@weiss.example' },
    charset: 'utf-8',
    subjects: ['Rückfrage zur Rechnung', 'Schöne Grüße aus Köln'],
    text: 'Hallo Robin,\n\nauf der Rechnung fehlt noch die Straße. Können Sie sie bitte ergänzen?\n\nViele Grüße\nJürgen Weiß',
  },
  {
    from: { name: 'Ольга Лебедева', address: 'olga@lebedeva.example' },
    charset: 'koi8-r',
    subjects: ['Фотографии с выставки', 'Расписание'],
    text: 'Здравствуйте, Робин!\n\nФотографии готовы, выставка открывается в пятницу.\n\nОльга',
  },
  {
    from: { name: '田辺 愛子', address: 'aiko@tanabe.example' },
    charset: 'iso-2022-jp',
    subjects: ['来週の会議について', '写真をありがとう'],
    text: 'ロビンさん、\n\n来週の会議は火曜日の午後三時からです。資料は当日配ります。\n\n田辺',
  },
  {
    from: { name: '陈晓', address: 'chen@xiao.example' },
    charset: 'gb18030',
    subjects: ['周末的安排', '新的图书目录'],
    text: '你好,\n\n周末我们去爬山,早上八点在车站见面。\n\n陈晓',
  },
  {
    from: { name: 'ليلى حداد', address: 'layla@haddad.example' },
    charset: 'utf-8',
    subjects: ['موعد الاجتماع', 'صور الرحلة'],
    text: 'مرحبا روبن،\n\nالاجتماع يوم الأربعاء في الساعة العاشرة صباحا.\n\nليلى',
  },
  {
    from: { name: 'Ελένη Παππά', address: 'eleni@pappa.example' },
    charset: 'iso-8859-7',
    subjects: ['Καλημέρα από την Αθήνα', 'Το εισιτήριο'],
    text: 'Γεια σου Ρόμπιν,\n\nτο εισιτήριο είναι έτοιμο. Τα λέμε την Κυριακή.\n\nΕλένη',
  },
  {
    from: { name: 'Zoé Lefèvre', address: 'zoe@lefevre.example' },
    charset: 'windows-1252',
    subjects: ['Réunion déplacée', 'Un café bientôt ?'],
    text: 'Bonjour Robin,\n\nla réunion est déplacée à jeudi, même heure — l’ordre du jour ne change pas.\n\nÀ bientôt\nZoé',
  },
] as const

/** What lies in the maildrop of the second account. */
export const letters = [
  {
    subject: 'The boat is out of the water',
    text: 'The hull wants scraping before the frost. Saturday, if it stays dry?',
  },
  {
    subject: 'Minutes of the harbour meeting',
    text: 'Attached to nobody, as there is only this: the crane is paid for.',
  },
  {
    subject: 'Your library card',
    text: 'Your card runs out at the end of the month. Renewing it takes a minute at the desk.',
  },
  {
    subject: 'Photos from the regatta',
    text: 'There are four hundred of them. I have picked eleven, and you are in three.',
  },
  {
    subject: 'Choir on Thursday',
    text: 'We begin with the Bruckner, so be early. Bring the green edition, not the blue one.',
  },
  { subject: 'Found: one grey glove', text: 'It was in the sail locker. Left hand. It misses the other one, I think.' },
  { subject: 'Quote for the new mast', text: 'Spruce, nine metres, four coats. Six weeks from the day you say yes.' },
  { subject: 'Thank you for the pears', text: 'Two jars are yours. The rest did not live to see the cellar.' },
]

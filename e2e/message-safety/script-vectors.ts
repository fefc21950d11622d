/**
 * Ways in which HTML makes a browser run a script, by the classes in which they were published. `run` is the script; it fits
 * into an attribute between double quotes. Some need a click, which the test gives to everything.
 */
export type ScriptVector = { name: string; html: Write; isQuiet: boolean }
type Write = (run: string) => string

const named = (family: string, list: (Write | { quiet: Write })[]): ScriptVector[] =>
  list.map((vector, index) => ({
    name: `${family} ${index + 1}`,
    html: 'quiet' in vector ? vector.quiet : vector,
    isQuiet: 'quiet' in vector,
  }))
/** Not run by the Chromium these tests were written with (156), even where nothing stops it. */
const quiet = (write: Write) => ({ quiet: write })
const image = (run: string) => `<img src=x onerror="${run}">`
const bare = (run: string) => `<img src=x onerror=${run}>`
const inUrl = (run: string) => encodeURIComponent(`<script>${run}</script>`)
const svgUrl = (run: string) =>
  `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" onload="${run}"/>`)}`

const elements = named('script element', [
  (run) => `<script>${run}</script>`,
  (run) => `<SCRIPT/x>${run}</SCRIPT>`,
  (run) => `<script type="module">${run}</script>`,
  (run) => `<script src="data:text/javascript,${encodeURIComponent(run)}"></script>`,
  (run) => `<script><!--\n${run}\n--></script>`,
  (run) => `<table><script>${run}</script></table>`,
  (run) => `<select><script>${run}</script></select>`,
  (run) => `<<script>${run}//<</script>`,
  (run) => `<p hidden><script>${run}</script></p>`,
  (run) => `<svg><script>${run}</script></svg>`,
  (run) => `<svg><script>${run.replace('(', '&lpar;').replace(')', '&rpar;')}</script></svg>`,
  (run) => `<svg><script href="data:text/javascript,${encodeURIComponent(run)}"/></svg>`,
  (run) => `<svg><foreignObject><script>${run}</script></foreignObject></svg>`,
  (run) => `<math><mtext><script>${run}</script></mtext></math>`,
  (run) => `<div><template shadowrootmode="open"><script>${run}</script></template></div>`,
])

const handlers = named('event by itself', [
  image,
  bare,
  (run) => `<img/src/onerror="${run}">`,
  (run) => `<IMG SRC=x OnErRoR="${run}">`,
  (run) => `<img src=x onerror="${[...run].map((letter) => `&#${letter.charCodeAt(0)};`).join('')}">`,
  (run) => `<image src=x onerror="${run}">`,
  (run) => `<body onload="${run}">`,
  (run) => `<body onpageshow="${run}">`,
  (run) => `<frameset onload="${run}"></frameset>`,
  (run) => `<iframe onload="${run}"></iframe>`,
  (run) => `<style onload="${run}"></style>`,
  (run) => `<link rel="stylesheet" href="data:text/css," onload="${run}">`,
  (run) => `<script src="x" onerror="${run}"></script>`,
  (run) => `<input type="image" src=x onerror="${run}">`,
  (run) => `<video><source onerror="${run}"></video>`,
  (run) => `<video src=x onerror="${run}"></video>`,
  (run) => `<audio src=x onerror="${run}"></audio>`,
  (run) => `<video poster=x src=x onloadstart="${run}"></video>`,
  (run) => `<object data=x onerror="${run}"></object>`,
  (run) => `<embed src="data:text/html," onload="${run}">`,
  (run) => `<details open ontoggle="${run}">x</details>`,
  (run) => `<style>@keyframes k{}</style><p style="animation:k 1s" onanimationstart="${run}">x</p>`,
  (run) => `<div style="content-visibility:auto" oncontentvisibilityautostatechange="${run}">x</div>`,
  quiet((run) => `<marquee onstart="${run}">x</marquee>`),
  (run) => `<x onclick="${run}">x</x>`,
  (run) => `<x tabindex="1" onfocus="${run}">x</x>`,
  (run) => `<x-y onclick="${run}" is="x-z">x</x-y>`,
  (run) => `<div><template shadowrootmode="open">${image(run)}</template></div>`,
])

const addresses = named('address', [
  (run) => `<a href="javascript:${run}">x</a>`,
  (run) => `<a href="JaVaScRiPt:${run}">x</a>`,
  (run) => `<a href=" &#1;javascript:${run}">x</a>`,
  (run) => `<a href="java&#9;scr&#10;ipt&#13;:${run}">x</a>`,
  (run) => `<a href="javascript&colon;${run}">x</a>`,
  (run) => `<a href="&#x6A;avascript:${run}">x</a>`,
  (run) => `<a href="javascript://%0a${run}">x</a>`,
  (run) => `<a href="data:text/html,${inUrl(run)}">x</a>`,
  quiet((run) => `<base href="javascript:/a/"><a href="%0a/${run}">x</a>`),
  (run) => `<map name="m"><area shape="default" href="javascript:${run}"></map><img usemap="#m" src="data:,">`,
  (run) => `<form action="javascript:${run}"><button>x</button></form>`,
  (run) => `<form><button formaction="javascript:${run}">x</button></form>`,
  (run) => `<form id="f"></form><input type="submit" form="f" formaction="javascript:${run}">`,
  (run) => `<iframe src="javascript:${run}"></iframe>`,
  (run) => `<iframe srcdoc="<script>${run}</script>"></iframe>`,
  (run) => `<iframe srcdoc="&lt;img src=x onerror=${run}&gt;"></iframe>`,
  (run) => `<iframe src="data:text/html,${inUrl(run)}"></iframe>`,
  (run) => `<iframe src="${svgUrl(run)}"></iframe>`,
  (run) => `<object data="data:text/html,${inUrl(run)}"></object>`,
  (run) => `<object data="${svgUrl(run)}"></object>`,
  quiet((run) => `<object data="javascript:${run}"></object>`),
  (run) => `<embed src="data:text/html,${inUrl(run)}">`,
  (run) => `<embed src="${svgUrl(run)}">`,
  quiet((run) => `<embed src="javascript:${run}">`),
  (run) => `<frameset><frame src="javascript:${run}"></frameset>`,
  quiet((run) => `<meta http-equiv="refresh" content="0;url=javascript:${run}">`),
  (run) => `<meta http-equiv="refresh" content="0;url=data:text/html,${inUrl(run)}">`,
  quiet((run) => `<img src="javascript:${run}">`),
  quiet((run) => `<img src="${svgUrl(run)}">`),
  quiet((run) => `<link rel="stylesheet" href="javascript:${run}">`),
  quiet((run) => `<a href="vbscript:${run}">x</a>`),
  quiet((run) => `<table background="javascript:${run}"><tr><td>x</td></tr></table>`),
])

const drawings = named('svg and mathml', [
  (run) => `<svg onload="${run}"></svg>`,
  (run) => `<svg><g onload="${run}"></g></svg>`,
  (run) => `<svg><animate onbegin="${run}" attributeName="x" dur="1s"/></svg>`,
  (run) => `<svg><set onbegin="${run}" attributeName="x"/></svg>`,
  (run) => `<svg><animateTransform onbegin="${run}" attributeName="transform"/></svg>`,
  (run) => `<svg><animate onend="${run}" attributeName="x" dur="1ms"/></svg>`,
  (run) => `<svg><animate onrepeat="${run}" attributeName="x" dur="10ms" repeatCount="3"/></svg>`,
  (run) => `<svg><image href=x onerror="${run}"/></svg>`,
  (run) => `<svg><a href="javascript:${run}"><text y="9">x</text></a></svg>`,
  (run) => `<svg><a xlink:href="javascript:${run}"><text y="9">x</text></a></svg>`,
  (run) => `<svg><a><animate attributeName="href" values="javascript:${run}"/><text y="9">x</text></a></svg>`,
  (run) => `<svg><a><set attributeName="href" to="javascript:${run}"/><text y="9">x</text></a></svg>`,
  quiet(
    (run) =>
      `<svg><a id="l"><text y="9">x</text></a><animate href="#l" attributeName="href" by="javascript:${run}"/></svg>`,
  ),
  quiet((run) => `<svg><set attributeName="onclick" to="${run}"/></svg>`),
  quiet((run) => `<svg><use href="${svgUrl(run)}#x"/></svg>`),
  (run) => `<svg><foreignObject>${image(run)}</foreignObject></svg>`,
  (run) => `<svg><foreignObject><iframe src="javascript:${run}"></iframe></foreignObject></svg>`,
  (run) => `<svg><title>${image(run)}</title></svg>`,
  (run) => `<svg><desc>${image(run)}</desc></svg>`,
  (run) => `<svg><style>${image(run)}</style></svg>`,
  (run) => `<svg></p>${image(run)}</svg>`,
  quiet((run) => `<svg><handler type="text/javascript" event="load">${run}</handler></svg>`),
  (run) => `<math><mtext>${image(run)}</mtext></math>`,
  (run) => `<math><annotation-xml encoding="text/html">${image(run)}</annotation-xml></math>`,
  quiet((run) => `<math href="javascript:${run}"><mtext>x</mtext></math>`),
  quiet((run) => `<math><maction actiontype="statusline#http://x" xlink:href="javascript:${run}">x</maction></math>`),
  (run) => `<math><mi xlink:href="data:x,${inUrl(run)}">${image(run)}</mi></math>`,
])

/** Trees that change when they are written out and read again, or are read differently with and without scripting. */
const mutations = named('mutation', [
  (run) => `<noscript><p title="</noscript><img src=x onerror=${run}>">`,
  (run) => `<style><img src="</style><img src=x onerror=${run}>">`,
  (run) => `<xmp><p title="</xmp><img src=x onerror=${run}>">`,
  (run) => `<iframe><p title="</iframe><img src=x onerror=${run}>">`,
  (run) => `<noembed><p title="</noembed><img src=x onerror=${run}>">`,
  (run) => `<noframes><p title="</noframes><img src=x onerror=${run}>">`,
  (run) => `<textarea><p title="</textarea><img src=x onerror=${run}>">`,
  (run) => `<title><p title="</title><img src=x onerror=${run}>">`,
  quiet((run) => `<template><p title="</template><img src=x onerror=${run}>">`),
  (run) => `<svg></p><style><a id="</style><img src=x onerror=${run}>">`,
  (run) => `<svg><p><style><a id="</style><img src=x onerror=${run}>"></p></svg>`,
  (run) => `<svg><br><style><a id="</style><img src=x onerror=${run}>">`,
  (run) => `<math><p><style><!--</style><img src=x onerror=${run}>--></style></p></math>`,
  quiet((run) => `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=${run}&gt;">`),
  (run) => `<math><mtext><table><mglyph><style><math><img title="</style><img src=x onerror=${run}>">`,
  quiet((run) => `<form><math><mtext></form><form><mglyph><style></math><img src onerror=${run}>`),
  quiet(
    (run) => `<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=${run} src>">`,
  ),
  (run) =>
    `<math><annotation-xml encoding="text/html"><style><img title="</style><img src=x onerror=${run}>"></annotation-xml></math>`,
  quiet(
    (run) =>
      `<svg><annotation-xml><foreignObject><style><!--</style><p id="--><img src=x onerror=${run}>"></foreignObject></annotation-xml></svg>`,
  ),
  (run) =>
    `<svg><foreignObject><math><mtext><style><a title="</style><img src=x onerror=${run}>"></math></foreignObject></svg>`,
  quiet(
    (run) =>
      `<table><caption><svg><title><table><caption></caption></table></title><style><a id="</style><img src=x onerror=${run}>"></a></style></svg></caption></table>`,
  ),
  quiet(
    (run) =>
      `${'<div>'.repeat(508)}<form><input form="f"></form><svg><style><a id="</style><img src=x onerror=${run}>"></a></style></svg>`,
  ),
  (run) => `${'<svg><foreignObject>'.repeat(300)}<style><a title="</style><img src=x onerror=${run}>">`,
  quiet(
    (run) =>
      `<select><template><style><!--</style><a rel="--></style></select><img src=x onerror=${run}>"></template></select>`,
  ),
  quiet((run) => `<select><option><style></option></select><img src=x onerror=${run}></style>`),
  (run) =>
    `<select><button><selectedcontent></selectedcontent></button><option selected>${image(run)}</option></select>`,
  (run) => `<table><td><iframe><a title="</iframe><img src=x onerror=${run}>"></td></table>`,
  (run) => `<!--><img src=x onerror=${run}>-->`,
  (run) => `<!-- --!><img src=x onerror=${run}>-->`,
  (run) => `<?x ><img src=x onerror=${run}>?>`,
  (run) => `<![CDATA[><img src=x onerror=${run}>]]>`,
  (run) => `<svg><![CDATA[<p title="]]><img src=x onerror=${run}>">`,
  quiet((run) => `<p id="--><img src=x onerror=${run}>"><!--`),
  quiet((run) => `<a title="&lt;/noscript&gt;&lt;img src=x onerror=${run}&gt;"><noscript></a>`),
  (run) => `<listing>&lt;img src=x onerror=${run}&gt;</listing>${image(run)}`,
  quiet((run) => `<plaintext>${image(run)}`),
  quiet((run) => `<img alt="\`\`onerror=${run}" src=x>`),
])

const clobbering = named('clobbering', [
  (run) => `<form onclick="${run}"><input name="attributes"><input name="attributes">x</form>`,
  (run) => `<form><input name="parentNode">${image(run)}</form>`,
  (run) => `<form><input name="childNodes">${image(run)}</form>`,
  (run) => `<form><input name="nodeName"><input name="removeChild">${image(run)}</form>`,
  (run) => `<form><input name="nextSibling"><input name="firstChild">${image(run)}</form>`,
  (run) => `<form><object name="hasChildNodes"></object><img name="namespaceURI" src=x onerror="${run}"></form>`,
  (run) => `<img name="implementation"><img name="createNodeIterator">${image(run)}`,
  (run) => `<img name="body"><img name="head"><form name="documentElement"></form>${image(run)}`,
  (run) => `<form id="body"><input name="innerHTML"></form><a id="defaultView" href="javascript:${run}">x</a>`,
  (run) => `<form id="x"></form><button form="x" name="attributes" onclick="${run}">x</button>`,
])

const styles = named('style', [
  quiet((run) => `<div style="width: expression(${run})">x</div>`),
  quiet((run) => `<div style="background: url(javascript:${run})">x</div>`),
  quiet((run) => `<div style="behavior: url(#default#time2)" onbegin="${run}">x</div>`),
  quiet((run) => `<div style="-moz-binding: url(data:text/xml,${inUrl(run)})">x</div>`),
  quiet((run) => `<style>@import 'javascript:${run}';</style>`),
  quiet(
    (run) => `<style>li { list-style-image: url("javascript:${run.replaceAll('"', '')}") }</style><ul><li>x</li></ul>`,
  ),
  (run) => `<style>x { } </style/x>${image(run)}`,
  quiet((run) => `<div style="background: url('x&quot;)}&lt;/style&gt;&lt;img src=x onerror=${run}&gt;')">x</div>`),
  (run) => `<style>p[title="</style>${bare(run)}"] { color: red }</style>`,
])

export const scriptVectors: ScriptVector[] = [
  ...elements,
  ...handlers,
  ...addresses,
  ...drawings,
  ...mutations,
  ...clobbering,
  ...styles,
]

/** Handlers whose events do not reach an element or window in this Chromium when a script makes them. */
export const quietHandlers = [
  'onbeforematch',
  'onbeforexrselect',
  'onencrypted',
  'onenterpictureinpicture',
  'onfullscreenchange',
  'onfullscreenerror',
  'ongamepadconnected',
  'ongamepaddisconnected',
  'onleavepictureinpicture',
  'onrejectionhandled',
  'onsearch',
  'ontransitioncancel',
  'ontransitionend',
  'ontransitionrun',
  'ontransitionstart',
  'onunhandledrejection',
  'onwaitingforkey',
  'onwebkitanimationend',
  'onwebkitanimationiteration',
  'onwebkitanimationstart',
  'onwebkittransitionend',
]

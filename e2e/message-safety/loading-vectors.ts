/**
 * Ways in which HTML makes a browser ask another server for something, one for each mechanism. `url` is what is to be asked.
 * A vector is a whole document or its body.
 */
export type LoadingVector = {
  name: string
  html: (url: string) => string
  /** Happens only when somebody clicks on the element with this mark. */
  isClicked?: true
  /** Favicons belong to whole pages, not to frames. */
  isWholePage?: true
  /** Only a document without scripting reads this as HTML. */
  isScriptless?: true
}

const style = (name: string, css: (url: string) => string): LoadingVector => ({
  name: `style attribute: ${name}`,
  html: (url) => `<div style="${css(url)}; width: 9px; height: 9px">x</div>`,
})
const sheet = (name: string, css: (url: string) => string, html = '<p class="c">x</p>'): LoadingVector => ({
  name: `style sheet: ${name}`,
  html: (url) => `<style>${css(url)}</style>${html}`,
})
const element = (name: string, html: (url: string) => string): LoadingVector => ({ name, html })
const clicked = (name: string, html: (url: string) => string): LoadingVector => ({ name, html, isClicked: true })

const pictures = [
  element('img src', (url) => `<img src="${url}">`),
  element('img without quotes', (url) => `<img src=${url}>`),
  element('img behind an entity', (url) => `<img src="&#104;${url.slice(1)}">`),
  element('img without scheme', (url) => `<img src="${url.slice(5)}">`),
  element('img loading lazily', (url) => `<img loading="lazy" src="${url}" width="9" height="9">`),
  element('img srcset', (url) => `<img srcset="${url} 1x">`),
  element('img srcset with sizes', (url) => `<img sizes="100vw" srcset="${url} 100w">`),
  element('image element', (url) => `<image src="${url}">`),
  element('picture', (url) => `<picture><source srcset="${url}"><img></picture>`),
  element('input type=image', (url) => `<input type="image" src="${url}">`),
  element('video src', (url) => `<video src="${url}" autoplay muted></video>`),
  element('video source', (url) => `<video autoplay muted><source src="${url}"></video>`),
  element('video poster', (url) => `<video poster="${url}"></video>`),
  element('audio src', (url) => `<audio src="${url}" autoplay></audio>`),
  element('audio source', (url) => `<audio preload="auto"><source src="${url}"></audio>`),
  element('track', (url) => `<video crossorigin><track default kind="captions" src="${url}"></video>`),
]

const backgrounds = [
  element('body background', (url) => `<body background="${url}">x</body>`),
  element('table background', (url) => `<table background="${url}"><tr><td>x</td></tr></table>`),
  element('tbody background', (url) => `<table><tbody background="${url}"><tr><td>x</td></tr></tbody></table>`),
  element('tr background', (url) => `<table><tr background="${url}"><td>x</td></tr></table>`),
  element('td background', (url) => `<table><tr><td background="${url}">x</td></tr></table>`),
  element('th background', (url) => `<table><tr><th background="${url}">x</th></tr></table>`),
]

const inlineStyles = [
  style('background', (url) => `background: url(${url})`),
  style('background in capitals', (url) => `BACKGROUND: URL('${url}')`),
  style('background, second of two', (url) => `background: linear-gradient(red, red), url(${url})`),
  style('background behind a comment', (url) => `background/**/: /* ; */ url('${url}')`),
  element('style attribute: background, never closed', (url) => `<p style="background: url('${url}">x</p>`),
  style('background-image', (url) => `background-image: url(${url})`),
  style('image-set', (url) => `background-image: image-set('${url}' 1x)`),
  style('-webkit-image-set', (url) => `background-image: -webkit-image-set(url(${url}) 1x)`),
  style('cross-fade', (url) => `background-image: -webkit-cross-fade(url(${url}), url(${url}), 50%)`),
  style('escaped url', (url) => `background: \\75 rl(${url})`),
  style('escaped url, all of it', (url) => `background: \\75\\72\\6c('${url}')`),
  style('escaped address', (url) => `background: url('\\68 ${url.slice(1)}')`),
  style('variable', (url) => `--x: url(${url}); background: var(--x)`),
  style('variable with escapes', (url) => `--x: \\75 rl(${url}); background: var(--x)`),
  style('variable inside image-set', (url) => `--x: '${url}'; background: image-set(var(--x) 1x)`),
  style('fallback of a variable', (url) => `background: var(--none, url(${url}))`),
  style('environment with fallback', (url) => `background: env(none, url(${url}))`),
  style('condition', (url) => `background: if(else: url(${url}))`),
  style('border-image', (url) => `border: 9px solid; border-image: url(${url}) 9`),
  style('border-image-source', (url) => `border: 9px solid; border-image-source: url(${url})`),
  style('mask', (url) => `mask: url(${url})`),
  style('mask-image', (url) => `mask-image: url(${url})`),
  style('-webkit-mask', (url) => `-webkit-mask: url(${url})`),
  style('-webkit-mask-box-image', (url) => `-webkit-mask-box-image: url(${url}) 9`),
  style('-webkit-box-reflect', (url) => `-webkit-box-reflect: below 0 url(${url})`),
  style('shape-outside', (url) => `float: left; shape-outside: url(${url})`),
  style('cursor', (url) => `cursor: url(${url}), auto`),
  style('content', (url) => `content: url(${url})`),
  style('filter', (url) => `filter: url(${url}#f)`),
  style('backdrop-filter', (url) => `backdrop-filter: url(${url}#f)`),
  style('clip-path', (url) => `clip-path: url(${url}#c)`),
  style('list-style', (url) => `display: list-item; list-style: url(${url})`),
  style('list-style-image', (url) => `display: list-item; list-style-image: url(${url})`),
  style('fill', (url) => `fill: url(${url}#p)`),
  style('offset-path', (url) => `offset-path: url(${url}#p)`),
  style('src()', (url) => `background: src('${url}')`),
  style('image()', (url) => `background: image('${url}')`),
  style('attr()', (url) => `background: image-set(attr(title) 1x)" title="${url}`),
]

const sheets = [
  sheet('@import', (url) => `@import url(${url});`),
  sheet('@import of a string', (url) => `@import '${url}';`),
  sheet('@import, never ended', (url) => `@import '${url}'`),
  sheet('@import with escapes', (url) => `@\\69mport '${url}';`),
  sheet('@import into a layer', (url) => `@import '${url}' layer(l) supports(color: red) screen;`),
  sheet('@font-face', (url) => `@font-face { font-family: f; src: url(${url}) } .c { font-family: f }`),
  sheet(
    '@font-face by unicode-range',
    (url) => `@font-face { font-family: f; src: url(${url}); unicode-range: U+78 } .c { font-family: f }`,
  ),
  sheet('rule', (url) => `.c { background: url(${url}) }`),
  sheet('@media', (url) => `@media all { .c { background: url(${url}) } }`),
  sheet('@supports', (url) => `@supports (color: red) { .c { background: url(${url}) } }`),
  sheet('@layer', (url) => `@layer x { .c { background: url(${url}) } }`),
  sheet(
    '@container',
    (url) => `body { container-type: inline-size } @container (width > 0px) { .c { background: url(${url}) } }`,
  ),
  sheet('@scope', (url) => `@scope (body) { .c { background: url(${url}) } }`),
  sheet('@starting-style', (url) => `.c { transition: all 1s } @starting-style { .c { border-image: url(${url}) } }`),
  sheet('nested rule', (url) => `body { .c { background: url(${url}) } }`),
  sheet('@keyframes', (url) => `@keyframes k { from, to { background: url(${url}) } } .c { animation: k 1s }`),
  sheet(
    '@property',
    (url) =>
      `@property --x { syntax: '<image>'; inherits: false; initial-value: url(${url}) } .c { background: var(--x) }`,
  ),
  sheet('::before', (url) => `.c::before { content: url(${url}) }`),
  sheet('::after', (url) => `.c::after { content: 'x' url(${url}) }`),
  sheet(
    '::marker',
    (url) => `.c { display: list-item; list-style-position: inside } .c::marker { content: url(${url}) }`,
  ),
  sheet('::first-line', (url) => `.c::first-line { background: url(${url}) }`),
  sheet('::first-letter', (url) => `.c::first-letter { background: url(${url}) }`),
  sheet(
    'attribute selector, which tells what a form holds',
    (url) => `input[value^=a] { background: url(${url}) }`,
    '<input value="abc">',
  ),
  sheet(':has', (url) => `body:has(.c) { background: url(${url}) }`),
  sheet(
    '@counter-style',
    (url) =>
      `@counter-style s { system: cyclic; symbols: url(${url}) } .c { display: list-item; list-style: s inside }`,
  ),
  sheet('in a comment of the old kind', (url) => `<!-- .c { background: url(${url}) } -->`),
  sheet('behind a broken rule', (url) => `.b { color: red } } .x { } .c { background: url(${url}) }`),
]

const linkRelations = [
  'stylesheet',
  'alternate stylesheet" title="x',
  'prefetch',
  'modulepreload',
  'prerender',
  'search',
  'pingback',
  'import',
]
const links = [
  ...linkRelations.map((rel) => element(`link ${rel.split('"')[0]}`, (url) => `<link rel="${rel}" href="${url}">`)),
  ...['image', 'style', 'font" crossorigin="', 'script', 'fetch" crossorigin="', 'track'].map((as) =>
    element(`link preload as ${as.split('"')[0]}`, (url) => `<link rel="preload" as="${as}" href="${url}">`),
  ),
  element('link preload imagesrcset', (url) => `<link rel="preload" as="image" imagesrcset="${url} 1x">`),
  ...['icon', 'shortcut icon', 'apple-touch-icon', 'manifest'].map(
    (rel): LoadingVector => ({
      name: `link ${rel}`,
      html: (url) => `<link rel="${rel}" href="${url}">`,
      isWholePage: true,
    }),
  ),
]

const documents = [
  element('meta refresh', (url) => `<meta http-equiv="refresh" content="0;url=${url}">`),
  element(
    'meta policy with report-uri',
    (url) =>
      `<meta http-equiv="content-security-policy" content="img-src 'none'; report-uri ${url}"><img src="data:,">`,
  ),
  element('base', (url) => `<base href="${url}/"><img src="picture.png">`),
  element('iframe', (url) => `<iframe src="${url}"></iframe>`),
  element('iframe srcdoc', (url) => `<iframe srcdoc="&lt;img src='${url}'&gt;"></iframe>`),
  element('iframe data:', (url) => `<iframe src="data:text/html,&lt;img src='${url}'&gt;"></iframe>`),
  element('frameset', (url) => `<frameset><frame src="${url}"></frameset>`),
  element('object', (url) => `<object data="${url}"></object>`),
  element('object of a type', (url) => `<object type="image/svg+xml" data="${url}"></object>`),
  element('object param', (url) => `<object><param name="src" value="${url}"></object>`),
  element('object codebase', (url) => `<object codebase="${url}" classid="x"></object>`),
  element('embed', (url) => `<embed src="${url}">`),
  element('applet', (url) => `<applet codebase="${url}" code="x"></applet>`),
  element('bgsound', (url) => `<bgsound src="${url}">`),
  element('xml data island', (url) => `<xml src="${url}"></xml>`),
  element('html manifest', (url) => `<html manifest="${url}"><body>x</body></html>`),
  element('portal', (url) => `<portal src="${url}"></portal>`),
  element('fencedframe', (url) => `<fencedframe src="${url}"></fencedframe>`),
  element('img of old browsers', (url) => `<img lowsrc="${url}" dynsrc="${url}" longdesc="${url}">`),
  element('head profile', (url) => `<head profile="${url}"></head>`),
  element('quotation', (url) => `<q cite="${url}">x</q><blockquote cite="${url}">x</blockquote>`),
  element('attributionsrc', (url) => `<img attributionsrc="${url}" src="data:,">`),
  element('script src', (url) => `<script src="${url}"></script>`),
  element(
    'speculation rules',
    (url) =>
      `<script type="speculationrules">{"prefetch":[{"source":"list","urls":["${url}"],"eagerness":"immediate"}]}</script>`,
  ),
  element(
    'import map',
    (url) => `<script type="importmap">{"imports":{"x":"${url}"}}</script><script type="module">import "x"</script>`,
  ),
  element('shadow root', (url) => `<div><template shadowrootmode="open"><img src="${url}"></template></div>`),
  element('details', (url) => `<details open><summary>x</summary><img src="${url}"></details>`),
  element('marquee', (url) => `<marquee><img src="${url}"></marquee>`),
  { ...element('noscript', (url) => `<noscript><img src="${url}"></noscript>`), isScriptless: true as const },
]

const drawings = [
  element('svg image', (url) => `<svg><image href="${url}" width="9" height="9"/></svg>`),
  element('svg image by xlink', (url) => `<svg><image xlink:href="${url}" width="9" height="9"/></svg>`),
  element(
    'svg feImage',
    (url) => `<svg><filter id="f"><feImage href="${url}"/></filter><rect width="9" height="9" filter="url(#f)"/></svg>`,
  ),
  element('svg use', (url) => `<svg><use href="${url}#x"/></svg>`),
  element('svg fill', (url) => `<svg><rect width="9" height="9" fill="url(${url}#p)"/></svg>`),
  element('svg filter', (url) => `<svg><rect width="9" height="9" filter="url(${url}#f)"/></svg>`),
  element('svg mask', (url) => `<svg><rect width="9" height="9" mask="url(${url}#m)"/></svg>`),
  element('svg marker', (url) => `<svg><path d="M0 0L9 9" stroke="red" marker-end="url(${url}#m)"/></svg>`),
  element('svg clip-path', (url) => `<svg><rect width="9" height="9" clip-path="url(${url}#c)"/></svg>`),
  element('svg cursor', (url) => `<svg><rect width="9" height="9" cursor="url(${url}),auto"/></svg>`),
  element('svg style', (url) => `<svg><style>@import '${url}';</style></svg>`),
  element('svg script', (url) => `<svg><script href="${url}"></script></svg>`),
  element(
    'svg foreignObject',
    (url) => `<svg><foreignObject width="9" height="9"><img src="${url}"></foreignObject></svg>`,
  ),
  element(
    'svg set of href',
    (url) => `<svg><image width="9" height="9"><set attributeName="href" to="${url}"/></image></svg>`,
  ),
  element(
    'svg animate of href',
    (url) =>
      `<svg><image width="9" height="9"><animate attributeName="href" values="${url};${url}" dur="1s"/></image></svg>`,
  ),
  element(
    'svg linearGradient href',
    (url) => `<svg><linearGradient id="g" href="${url}#g"/><rect width="9" height="9" fill="url(#g)"/></svg>`,
  ),
  element('svg textPath', (url) => `<svg><text><textPath href="${url}#p">x</textPath></text></svg>`),
  element('mathml mglyph', (url) => `<math><mglyph src="${url}"/></math>`),
  element(
    'mathml with HTML inside',
    (url) => `<math><annotation-xml encoding="text/html"><img src="${url}"></annotation-xml></math>`,
  ),
]

const clicks = [
  clicked('form', (url) => `<form action="${url}"><button data-click>x</button></form>`),
  clicked('form post', (url) => `<form action="${url}" method="post"><input type="submit" data-click></form>`),
  clicked('form with formaction', (url) => `<form><button formaction="${url}" data-click>x</button></form>`),
  clicked(
    'form button outside',
    (url) => `<form id="f"></form><button form="f" formaction="${url}" data-click>x</button>`,
  ),
  clicked('form by an image', (url) => `<form action="${url}"><input type="image" src="data:," data-click></form>`),
  clicked('a ping', (url) => `<a href="#x" ping="${url}" data-click>x</a>`),
  clicked(
    'area ping',
    (url) =>
      `<map name="m"><area shape="default" href="#x" ping="${url}" data-click></map><img usemap="#m" src="data:,">`,
  ),
  clicked(
    'details that opens',
    (url) => `<details><summary data-click>x</summary><img loading="lazy" src="${url}"></details>`,
  ),
]

export const loadingVectors: LoadingVector[] = [
  ...pictures,
  ...backgrounds,
  ...inlineStyles,
  ...sheets,
  ...links,
  ...documents,
  ...drawings,
  ...clicks,
]

/** Never asked for by the Chromium these tests were written with (156), even where nothing stops it. */
export const quietInChromium = [
  'style attribute: filter',
  'style attribute: backdrop-filter',
  'style attribute: offset-path',
  'style attribute: src()',
  'style attribute: image()',
  'style attribute: attr()',
  'style sheet: @counter-style',
  'link prerender',
  'link search',
  'link pingback',
  'link import',
  'meta policy with report-uri',
  'object param',
  'object codebase',
  'applet',
  'bgsound',
  'xml data island',
  'html manifest',
  'portal',
  'fencedframe',
  'img of old browsers',
  'head profile',
  'quotation',
  'attributionsrc',
  'speculation rules',
  'svg use',
  'svg filter',
  'svg linearGradient href',
  'svg textPath',
  'mathml mglyph',
  'link apple-touch-icon',
  'link manifest',
]

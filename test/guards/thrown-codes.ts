import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseAst } from 'vitest/node'

/**
 * Which error codes a piece of the API can throw, read from its source: every `new AppError('code')` in it and in whatever
 * it names, through all files. More than can happen is better than less: only what a catch keeps to itself is left out.
 * Not seen is a code that comes as a value, such as that of an engine's answer.
 */
export type Thrown = { code: string; file: string }
type Node = { type: string; [key: string]: unknown }
type Named = { node: Node; scope: Scope } | { file: string; name: string } | null
/** Null: something of that name without a source of its own, such as a parameter. */
type Scope = { file: string; names: Map<string, Named>; outer: Scope | null }

const source = 'apps/api/src'
const modules = new Map<string, Scope & { program: Node }>()
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
const childrenOf = (node: Node): Node[] =>
  Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode)
const isFunction = (node: unknown): boolean => isNode(node) && /^(Arrow)?Function/.test(node.type)
const textOf = (node: unknown): string | undefined =>
  isNode(node) ? String(node.type === 'Identifier' ? node.name : node.value) : undefined
const somewhere = (node: unknown, type: string): boolean =>
  isNode(node) && (node.type === type || childrenOf(node).some((child) => somewhere(child, type)))

const open = (file: string): Scope & { program: Node } => {
  const known = modules.get(file)
  if (known) return known
  const program: unknown = parseAst(readFileSync(file, 'utf8'), { lang: 'ts' })
  if (!isNode(program)) throw new Error(`${file} cannot be read`)
  const scope = { file, names: new Map<string, Named>(), outer: null, program }
  modules.set(file, scope)
  for (const node of childrenOf(program)) {
    if (node.type === 'ImportDeclaration') addImports(scope, node)
    else declare(scope, isNode(node.declaration) ? node.declaration : node)
  }
  return scope
}

const addImports = (scope: Scope, node: Node): void => {
  const from = textOf(node.source) ?? ''
  const file = from.startsWith('#') ? join(source, from.slice(1)) : join(dirname(scope.file), from)
  if (!/^[#.]/.test(from) || file.includes('generated') || !existsSync(file)) return
  for (const { local, imported } of childrenOf(node))
    if (imported) scope.names.set(textOf(local) ?? '', { file, name: textOf(imported) ?? '' })
}

const declare = (scope: Scope, node: Node): void => {
  for (const one of node.type === 'VariableDeclaration' ? childrenOf(node) : [node]) {
    const what =
      one.type === 'VariableDeclarator' ? one.init : /^(Function|Class)Declaration$/.test(one.type) && one.body
    if (isNode(one.id) && one.id.type === 'Identifier' && isNode(what))
      scope.names.set(textOf(one.id) ?? '', { node: what, scope })
    else if (one.type === 'VariableDeclarator') shadow(scope, one.id)
  }
}

/** Names out of patterns: whatever stood under them outside means something else here. */
const shadow = (scope: Scope, pattern: unknown): void => {
  if (!isNode(pattern)) return
  if (pattern.type === 'Identifier') scope.names.set(textOf(pattern) ?? '', null)
  else if (pattern.type === 'Property') shadow(scope, pattern.value)
  else if (pattern.type === 'AssignmentPattern') shadow(scope, pattern.left)
  else for (const child of childrenOf(pattern)) shadow(scope, child)
}

const within = (node: Node, outer: Scope): Scope => {
  if (!isFunction(node) && node.type !== 'BlockStatement' && node.type !== 'CatchClause') return outer
  const scope = { file: outer.file, names: new Map<string, Named>(), outer }
  for (const param of Array.isArray(node.params) ? node.params : [node.param]) shadow(scope, param)
  if (node.type === 'BlockStatement') for (const statement of childrenOf(node)) declare(scope, statement)
  return scope
}

const find = (scope: Scope | null, name: string): Named => {
  for (let at = scope; at; at = at.outer) {
    const named = at.names.get(name)
    if (named === undefined) continue
    return named && 'file' in named ? find(open(named.file), named.name) : named
  }
  return null
}

/** What runs where this node does; whatever has a name runs only where it is named. */
const partsOf = (node: Node): Node[] => {
  const { type, callee } = node
  if (type.startsWith('TS')) return isNode(node.expression) ? [node.expression] : []
  if (type === 'MemberExpression') return childrenOf(node).filter((child) => child !== node.property || node.computed)
  if (type === 'Property' || type === 'MethodDefinition') return [node.value].filter(isNode)
  if (type === 'VariableDeclarator') return isFunction(node.init) ? [] : [node.init].filter(isNode)
  if (type === 'FunctionDeclaration') return []
  if (type === 'TryStatement' && node.handler && !somewhere(node.handler, 'ThrowStatement'))
    return [node.handler, node.finalizer].filter(isNode)
  const isCaught = type === 'CallExpression' && isNode(callee) && textOf(callee.property) === 'catch'
  return childrenOf(node).filter(
    (child) => !isCaught || child !== callee || childrenOf(node).some((one) => somewhere(one, 'ThrowStatement')),
  )
}

export const thrownBy = ({ node: start, scope: outer }: { node: Node; scope: Scope }): Thrown[] => {
  const thrown = new Map<string, Thrown>()
  const seen = new Set<Node>()
  const follow = (named: Named): void => {
    if (!named || 'file' in named || seen.has(named.node)) return
    seen.add(named.node)
    visit(named.node, named.scope)
  }
  const visit = (node: Node, outside: Scope): void => {
    const scope = within(node, outside)
    if (node.type === 'NewExpression' && textOf(node.callee) === 'AppError') {
      const [what] = childrenOf(node).slice(1)
      for (const one of what?.type === 'ConditionalExpression' ? [what.consequent, what.alternate] : [what])
        if (isNode(one) && one.type === 'Literal')
          thrown.set(String(one.value), { code: String(one.value), file: scope.file })
    }
    if (node.type === 'Identifier') follow(find(scope, textOf(node) ?? ''))
    if (node.type === 'MemberExpression' && textOf(node.object) === 'engine')
      follow(ofEngine(textOf(node.property) ?? ''))
    for (const part of partsOf(node)) visit(part, scope)
  }
  visit(start, outer)
  return [...thrown.values()]
}

/** What the API asks of the engine is given to it as a parameter. */
const ofEngine = (method: string): Named => {
  let found: Named = null
  const search = (node: Node, outside: Scope): void => {
    const scope = within(node, outside)
    if (node.type === 'Property' && textOf(node.key) === method && isFunction(node.value) && isNode(node.value))
      found = { node: node.value, scope }
    for (const child of childrenOf(node)) search(child, scope)
  }
  const file = open(`${source}/engine/engine.ts`)
  search(file.program, file)
  return found
}

/** Every `router.on('name', handler)` of a file. */
export const handlersIn = (file: string): { name: string; node: Node; scope: Scope }[] => {
  const found: { name: string; node: Node; scope: Scope }[] = []
  const search = (node: Node, outside: Scope): void => {
    const scope = within(node, outside)
    const { callee } = node
    if (node.type === 'CallExpression' && isNode(callee) && textOf(callee.object) === 'router') {
      const [name, handler] = childrenOf(node).slice(1)
      if (name && handler) found.push({ name: String(name.value), node: handler, scope })
    }
    for (const child of childrenOf(node)) search(child, scope)
  }
  const module = open(file)
  search(module.program, module)
  return found
}

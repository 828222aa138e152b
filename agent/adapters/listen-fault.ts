/** Why a socket cannot be bound, in the words of the ports that bind (ports/http.ts, ports/datagram.ts). */
import { EnvironmentFault, sentenceOf } from '../errors.ts';

const PROBLEMS: Readonly<Record<string, { code: string; retryable: boolean; advice: string }>> = {
  EADDRNOTAVAIL: {
    code: 'address-not-here',
    retryable: true,
    advice: 'no interface of this machine has that address (yet)',
  },
  EADDRINUSE: {
    code: 'port-in-use',
    retryable: true,
    advice: 'another process listens there: stop it or choose another port',
  },
  EACCES: {
    code: 'no-privilege',
    retryable: false,
    advice: 'ports below 1024 need CAP_NET_BIND_SERVICE: grant it or choose a higher port',
  },
};

/** `error` as Node gives it. */
export function listenFault(address: string, port: number, error: NodeJS.ErrnoException): EnvironmentFault {
  const problem = PROBLEMS[error.code ?? ''];
  const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return new EnvironmentFault(
    problem?.code ?? 'cannot-listen',
    `cannot listen on ${where}: ${problem?.advice ?? sentenceOf(error)}`,
    { cause: error, retryable: problem?.retryable ?? false },
  );
}

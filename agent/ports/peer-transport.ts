/**
 * One PeerConnection to one peer (ICE, DTLS, SCTP) with its two data channels: `control` (reliable, ordered text) and
 * `frames` (unordered, no retransmits; Ethernet frames, several a message: agent/wire/frame-bundle.ts).
 */
export interface PeerTransport {
  /** Makes the offer; it arrives as `localDescription`. */
  offer(): void;
  /** Takes a peer's offer and makes the answer; throws Refusal('bad-description') on SDP it cannot use. */
  acceptOffer(sdp: string): void;
  acceptAnswer(sdp: string): void;
  addRemoteCandidate(candidate: string, mid: string): void;
  sendControl(message: string): SendResult;
  /** `frame` is borrowed until return, and leaves in this turn of the event loop. 'full': dropped, because bufferedAmount has reached its bound. */
  sendFrame(frame: Uint8Array): SendResult;
  /** Bytes that wait in the `frames` channel. */
  bufferedBytes(): number;
  selectedPair(): SelectedPair | null;
  /** SHA-256 fingerprint of the certificate that the peer's DTLS presented, upper-case hex with colons. */
  remoteFingerprint(): string | null;
  close(): void;
}

export type SendResult = 'sent' | 'full' | 'closed';

export interface SelectedPair {
  localType: CandidateType;
  remoteType: CandidateType;
  /** `address:port`, IPv6 in brackets. */
  local: string;
  remote: string;
}

export type CandidateType = 'host' | 'srflx' | 'prflx' | 'relay';

export type TransportState = 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed';

export interface PeerTransportEvents {
  localDescription(type: 'offer' | 'answer', sdp: string): void;
  localCandidate(candidate: string, mid: string): void;
  gatheringDone(): void;
  state(state: TransportState): void;
  /** Both channels are open. */
  ready(): void;
  control(message: string): void;
  /** `frame` is the receiver's to keep. */
  frame(frame: Uint8Array): void;
}

export interface PeerTransportFactory {
  create(peerName: string, iceServers: readonly string[], events: PeerTransportEvents): PeerTransport;
  /** Frees the library's threads; no transport may be used afterwards. */
  close(): void;
}

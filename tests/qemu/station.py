# SPDX-License-Identifier: BSD-2-Clause
"""A whole peer on the image's cable: ARP, neighbour discovery, ping, and TCP as simple as the cable
allows (nothing is lost on it). A test can send what a kernel would never let it send.
"""
import ipaddress
import json
import struct

import wire as w

IPV6, TCP, ICMP6 = 0x86dd, 6, 58
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def link_local(mac):
    return b'\xfe\x80' + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b'\xff\xfe' + mac[3:]


OUR_LL, GUEST_LL = link_local(w.OUR_MAC), link_local(w.GUEST_MAC)
ALL_NODES = ipaddress.ip_address('ff02::1').packed


def ipv6(protocol, payload, source=OUR_LL, to=GUEST_LL, hops=64, length=None):
    return struct.pack('>IHBB', 6 << 28, len(payload) if length is None else length, protocol,
                       hops) + source + to + payload


def summed(protocol, segment, at, source, to):
    """The segment with its checksum at offset `at`, over the pseudo header of these addresses."""
    pseudo = source + to + struct.pack('>IHH', len(segment), 0, protocol)
    if len(source) == 4:
        pseudo = source + to + struct.pack('>HH', protocol, len(segment))
    return segment[:at] + struct.pack('>H', w.checksum(pseudo + segment)) + segment[at + 2:]


def icmp6(kind, body, code=0, source=OUR_LL, to=GUEST_LL):
    return summed(ICMP6, struct.pack('>BBH', kind, code, 0) + body, 2, source, to)


def tcp(source_port, port, seq, ack, flags, data=b'', options=b'', window=65535, offset=None):
    words = 5 + len(options) // 4 if offset is None else offset
    segment = struct.pack('>HHIIBBHHH', source_port, port, seq & 0xffffffff, ack & 0xffffffff,
                          words << 4, flags, window, 0, 0) + options + data
    return summed(TCP, segment, 16, w.packed(w.OUR_IP), w.packed(w.GUEST_IP))


class Station(w.Wire):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.connections = {}              # our port -> Tcp
        self.next_port = 20000
        self.pongs6 = []
        self.exceeded6 = []                # packets that errors "time exceeded" quote
        self.resets = 0                    # that came for no connection of ours

    def raw(self, data):
        """A frame as it is: neither padded nor completed."""
        self.socket.sendto(data, self.theirs)

    def take(self, data):
        if struct.unpack_from('>H', data, 12)[0] == IPV6:
            self.take_ipv6(data[14:])
        else:
            super().take(data)

    def take_ipv4(self, packet):
        header = (packet[0] & 15) * 4
        if packet[9] != TCP:
            super().take_ipv4(packet)
            return
        segment = packet[header:struct.unpack_from('>H', packet, 2)[0]]
        assert summed(TCP, segment[:16] + b'\0\0' + segment[18:], 16, packet[12:16],
                      packet[16:20]) == segment, 'the image sent a bad TCP checksum'
        connection = self.connections.get(struct.unpack_from('>H', segment, 2)[0])
        if connection:
            connection.take(segment)
        elif segment[13] & RST:
            self.resets += 1

    def take_ipv6(self, packet):
        if packet[6] != ICMP6:
            return
        body = packet[40:40 + struct.unpack_from('>H', packet, 4)[0]]
        if body[0] == 135 and body[8:24] == OUR_LL:
            answer = struct.pack('>I', 0x60000000) + OUR_LL + b'\x02\x01' + w.OUR_MAC
            self.frame(IPV6, ipv6(ICMP6, icmp6(136, answer), hops=255))
        elif body[0] == 129:
            self.pongs6.append(body[8:])
        elif body[0] == 3:
            self.exceeded6.append(body[8:])

    def ping6(self, payload):
        self.frame(IPV6, ipv6(ICMP6, icmp6(128, b'\0\1\0\1' + payload)))

    def answers_ping6(self):
        """Asks again with each call, as long as there is no answer."""
        if not self.pongs6:
            self.ping6(b'awake?')
        return bool(self.pongs6)

    def connect(self, port, timeout=20.0):
        connection = Tcp(self, port)
        connection.send(SYN, options=b'\x02\x04\x05\xb4')
        connection.seq += 1
        self.serve(lambda: connection.open, timeout)
        return connection

    def get(self, path, port=80, timeout=20.0):
        """Body of an answer 200 to a GET on a connection of its own."""
        connection = self.connect(port, timeout)
        connection.write(f'GET {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        self.serve(connection.answered, timeout)
        connection.reset()
        head, body = connection.data.split(b'\r\n\r\n', 1)
        assert head.startswith(b'HTTP/1.1 200 '), head
        return body

    def status(self):
        return json.loads(self.get('/status.json'))


class Tcp:
    """One connection of the station, in-order data only."""

    def __init__(self, station, port):
        self.station, self.port = station, port
        station.next_port += 1
        self.ours = station.next_port
        self.seq, self.ack = 0x10000000 + self.ours, 0
        self.open = self.ended = False
        self.data = b''
        self.segments = 0                  # in order, with data or the end of the stream
        self.data_with_end = 0             # bytes in the segment with the end
        self.window = 0                    # what the image told last, and how far it has read
        self.acknowledged = 0
        station.connections[self.ours] = self

    def bytes(self, flags, data=b'', seq=None, ack=None, **options):
        return tcp(self.ours, self.port, self.seq if seq is None else seq,
                   self.ack if ack is None else ack, flags, data, **options)

    def send(self, flags, data=b'', **options):
        self.station.frame(w.IPV4, w.ipv4(TCP, self.bytes(flags, data, **options)))

    def write(self, data):
        self.send(ACK | PSH, data)
        self.seq += len(data)

    def reset(self):
        self.send(RST | ACK)
        del self.station.connections[self.ours]

    def take(self, segment):
        seq, ack = struct.unpack_from('>II', segment, 4)
        flags, data = segment[13], segment[(segment[12] >> 4) * 4:]
        self.window = struct.unpack_from('>H', segment, 14)[0]
        self.acknowledged = ack
        if flags & RST:
            self.ended = True
        elif flags & SYN:
            self.ack, self.open = (seq + 1) & 0xffffffff, True
            self.send(ACK)
        elif seq == self.ack and (data or flags & FIN):
            self.data += data
            self.segments += 1
            if flags & FIN:
                self.ended, self.data_with_end = True, len(data)
            self.ack = (seq + len(data) + (flags & FIN)) & 0xffffffff
            self.send(ACK)

    def answered(self):
        """Is an HTTP answer with a Content-Length here, whole?"""
        head, end, body = self.data.partition(b'\r\n\r\n')
        if not end:
            return self.ended
        length = [line for line in head.lower().split(b'\r\n')
                  if line.startswith(b'content-length:')]
        return bool(length) and len(body) >= int(length[0].split(b':')[1])

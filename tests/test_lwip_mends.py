# SPDX-License-Identifier: BSD-2-Clause
"""Each mend of lwIP (scripts/fix-lwip) is needed: without it a test fails (mends.py)."""
import pytest

from mends import Mended

LIBRARY = Mended('lwip', {
    'connections and listeners are found': 'test_lwip_conn many_connections_are_found',
    'connections that need nothing': 'test_lwip_conn idle_connections_sleep',
    'sockets of UDP are found': 'test_lwip_conn many_sockets_of_udp',
    'packets to the image itself': 'test_sock_tcp',
    'a packet that no memory is left to queue': 'test_lwip_ip waiting_without_memory',
    'a timer that is not set again': 'test_lwip_ip timers_without_memory',
    'data beyond the window': 'test_lwip_ip data_beyond_the_window',
    'data is freed that came': 'test_tcp_fast closed_when_sent_the_long_way',
    'an application may close when': 'test_tcp_fast closed_at_refused_data',
    'a FIN is no data': 'test_tcp_path closed_at_the_last_data',
    'an application may end its stream': 'test_tcp_meet ended_when_connected',
    'resets of strangers': 'test_lwip_guard resets_are_limited',
    'the sender of most fragments': 'test_lwip_reass lone_pieces',
    'a router that does not answer': 'test_lwip_route6 a_silent_router',
    'no neighbour of IPv6 has more': 'test_lwip_neighbour packets_that_wait',
    'sums that were checked': 'test_lwip_rx sums_that_are_not_made_out_of_order',
    'data begins in the first pbuf': 'test_lwip_rx data_is_lent',
    'both ends may open': 'test_tcp_meet',
    'an acknowledgement at the edge': 'test_lwip_guard closed_windows',
    'a window grows': 'test_tcp_window a_window_grows_while_the_application_keeps_up',
    'the edge of a scaled window': 'test_tcp_window the_edge_never_moves_back',
    'a window is told': 'test_tcp_window news_that_the_peer_does_not_need_waits',
    'a send buffer grows': 'test_tcp_window a_send_buffer_grows_with_the_congestion_window',
    'data out of order is kept': 'test_tcp_ooseq a_full_window_forwards',
    'data that comes twice': 'test_tcp_ooseq duplicates_are_told',
    'ACKs are delayed': 'test_tcp_ack small_segments_wait',
    'timestamps are of milliseconds': 'test_tcp_ack both_sides_agree',
    'keep-alives and probes': 'test_tcp_ack probes_have_stamps',
    'a queue of tiny writes': 'test_tcp_window tiny_writes_have_a_limit',
    'nothing walks a queue': 'test_tcp_recovery nothing_is_walked',
    'losses are found': 'test_tcp_recovery two_holes',
    'identifiers of packets': 'test_lwip_ip identifiers_of_packets',
    'all of 127.0.0.0/8': 'test_lwip_ip all_of_127',
    'errors reach the sockets': 'test_sock_errors',
    'an ICMP error quotes': 'test_lwip_rx an_error_quotes_a_whole_sum',
    'name servers are those': 'test_lwip_dhcp name_servers_of_a_lease',
    'a missing neighbour of IPv6': 'test_lwip_ip a_missing_neighbour',
    'leases by the second': 'test_lwip_dhcp renewed_at_half',
    'routes, the MTU and time servers': 'test_lwip_dhcp time_servers',
    'below an MTU of 576': 'test_lwip_dhcp a_card_of_a_small_mtu',
    'the last fragment': 'test_lwip_ip fragments_at_any_mtu',
    'errors are limited': 'test_lwip_ip errors_are_limited',
    'a solicitation without': 'test_lwip_ip solicitations',
    'a prefix has temporary': 'test_lwip_privacy',
    'segments of IPv4 are not cut': 'test_tcp_mtu segments_are_not_cut',
    'the size of segments': 'test_tcp_mtu all_connections_follow',
    'the peer names its largest': 'test_tcp_mtu a_peer_names_its_segments_once',
    'a segment of a queue stands': 'test_tcp_queue a_write_is_one_segment',
    'a segment that goes where one': 'test_tcp_way headers_are_kept',
    'a datagram that goes where one': 'test_sock_flow callbacks_have_flows',
    'sums and packets of a segment': 'test_tcp_path nothing_is_lost_of_ipv4',
    'a "too big" of IPv6': 'test_tcp_mtu lies_are_not_believed',
    'a router may raise the MTU': 'test_tcp_mtu routers_say_how_wide_a_link_is',
    'connections begin': 'test_lwip_privacy beside_each_prefix',
    'a corked connection': 'test_sock_tcp_opt a_cork_holds_what_is_not_full',
    'segments and bytes are counted': 'test_sock_tcp_opt what_a_connection_knows',
    'a closed window is not': 'test_sock_tcp_time user_timeout_of_a_closed_window',
    'an application sets how long': 'test_sock_tcp_time fin_wait_2_of_5_s',
    'keep-alive watches': 'test_sock_tcp_time keep_alive_of_half_a_connection',
})


def test_every_mend_has_its_test():
    assert LIBRARY.all_are_shown()


@pytest.fixture(scope='module')
def library():
    LIBRARY.begin()


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize('number, name', list(enumerate(LIBRARY.names())), ids=str)
def test_a_test_fails_without(library, number, name):
    LIBRARY.is_needed(number, name)

"""Completion times of flows after SimGrid, as a plain fluid model with max-min fair sharing.

Reads {"links": [bytes per second, ...], "flows": [{"startSeconds", "bytes", "links": [place in
links, ...]}, ...]} and writes the flows' completion times in seconds, in their order, as JSON.
"""

import json
import sys

from simgrid import Actor, Comm, Engine, LinkInRoute, NetZone, this_actor

# No latency, no correction for TCP or for acknowledgements, no noise in the log.
FLUID = [
    "network/model:CM02",
    "network/bandwidth-factor:1",
    "network/latency-factor:1",
    "network/TCP-gamma:0",
    "network/weight-S:0",
    "network/crosstraffic:0",
    "maxmin/precision:1e-9",
]
IRRELEVANT_SPEED = 1e9


def send(source, target, flow, place, completed):
    this_actor.sleep_until(flow["startSeconds"])
    Comm.sendto(source, target, flow["bytes"])
    completed[place] = Engine.clock


def main():
    wanted = json.load(sys.stdin)
    quiet = ["--log=root.threshold:critical"]
    engine = Engine(["simgrid-flows", *quiet, *[f"--cfg={item}" for item in FLUID]])
    zone = NetZone.create_full_zone("cluster")
    links = []
    for place, rate in enumerate(wanted["links"]):
        link = zone.create_link(f"link{place}", float(rate))
        links.append(link.set_latency(0).seal())
    completed = [None] * len(wanted["flows"])
    for place, flow in enumerate(wanted["flows"]):
        # Each flow has hosts of its own: only the links are shared.
        source = zone.create_host(f"source{place}", IRRELEVANT_SPEED).seal()
        target = zone.create_host(f"target{place}", IRRELEVANT_SPEED).seal()
        route = [LinkInRoute(links[crossed]) for crossed in flow["links"]]
        zone.add_route(source.netpoint, target.netpoint, None, None, route, False)
        Actor.create(f"flow{place}", source, send, source, target, flow, place, completed)
    zone.seal()
    engine.run()
    json.dump(completed, sys.stdout)


main()

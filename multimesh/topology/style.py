"""The colours and letters of the picture, by day and in the dark."""

STYLE = """
svg.topology { --ground: #ffffff; --panel: #f8fafc; --edge: #64748b; --ink: #0f172a; --soft: #475569;
  --mesh: #4338ca; --trust: #854d0e; --trust-ground: #fef9c3; --gateway: #1d4ed8; --gateway-ground: #dbeafe;
  --service: #166534; --service-ground: #dcfce7; --share: #86efac; --bad: #b91c1c; --bad-ground: #fee2e2;
  font: 14px system-ui, "Helvetica Neue", Arial, sans-serif; }
@media (prefers-color-scheme: dark) {
  svg.topology { --ground: #0d1117; --panel: #161b22; --edge: #7d8590; --ink: #f0f6fc; --soft: #adbac7;
    --mesh: #a5b4fc; --trust: #facc15; --trust-ground: #3b2f0b; --gateway: #93c5fd; --gateway-ground: #172554;
    --service: #86efac; --service-ground: #052e16; --share: #166534; --bad: #fca5a5; --bad-ground: #450a0a; }
}
svg.topology .ground { fill: var(--ground); }
svg.topology text { fill: var(--ink); }
svg.topology .strong { font-weight: 600; }
svg.topology .soft { fill: var(--soft); font-size: 12.5px; }
svg.topology .middle { text-anchor: middle; }
svg.topology .end { text-anchor: end; }
svg.topology .card { fill: var(--panel); stroke: var(--edge); }
svg.topology .column { fill: var(--panel); stroke: none; }
svg.topology .mesh { fill: none; stroke: var(--mesh); stroke-width: 1.5; stroke-dasharray: 8 5; }
svg.topology .peer { stroke-dasharray: 2 5; }
svg.topology text.of-mesh { fill: var(--mesh); }
svg.topology text.of-trust { fill: var(--trust); }
svg.topology rect.trust { fill: var(--trust-ground); stroke: var(--trust); }
svg.topology path.trust { fill: none; stroke: var(--trust); stroke-dasharray: 5 4; }
svg.topology rect.gateway { fill: var(--gateway-ground); stroke: var(--gateway); }
svg.topology path.gateway { fill: none; stroke: var(--gateway); stroke-width: 2; }
svg.topology text.of-gateway { fill: var(--gateway); }
svg.topology path.service { fill: none; stroke: var(--service); stroke-width: 2; }
svg.topology rect.service { fill: var(--service-ground); stroke: var(--service); }
svg.topology rect.share { fill: var(--share); stroke: none; }
svg.topology circle.caller { fill: var(--ground); stroke: var(--service); stroke-width: 2; }
svg.topology .live { font-size: 12.5px; font-variant-numeric: tabular-nums; }
svg.topology .bad rect.service, svg.topology .bad rect.card { fill: var(--bad-ground); stroke: var(--bad);
  stroke-width: 2; }
svg.topology .bad rect.share { fill: none; }
svg.topology .bad .live { fill: var(--bad); font-weight: 600; }
"""

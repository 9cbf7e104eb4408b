"""Summary of the innermost loops of x86 assembly: for each block that jumps back to its own label, how many fused
multiply-adds, calls and stack accesses it has, and whether it uses zmm or ymm. The busiest comes first."""
import re
import sys

loops, label, body = [], None, []
for line in sys.stdin:
    new = re.match(r"(\.LBB\w+):", line)
    if new:
        label, body = new.group(1), []
        continue
    body.append(line)
    jump = re.match(r"\s+j\w+\s+(\.LBB\w+)", line)
    if jump and label and jump.group(1) == label:
        text = "".join(body)
        loops.append((
            len(re.findall(r"\bvf(?:n)?m(?:add|sub)\w*", text)),
            len(re.findall(r"\(%rsp", text)),
            len(re.findall(r"\bcall", text)),
            len(re.findall(r"\{%k", text)),
            "zmm" if "%zmm" in text else "ymm" if "%ymm" in text else "xmm" if "%xmm" in text else "none",
        ))
        label = None
for fma, stack, calls, masks, width in sorted(loops, reverse=True):
    print(f"loop: fma={fma} stack={stack} calls={calls} masks={masks} width={width}")

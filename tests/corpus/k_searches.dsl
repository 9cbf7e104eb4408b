/// Programs that search, choose and decode: places that are found on the way, and what lies there.

/// The likeliest path of states through observations; the way back is read from a workspace.
kernel viterbi(in f32 start[S], in f32 trans[S, S], in f32 emit[B, T, S], out i32 path[B, T],
        out f32 score[B])
{
    temp i32 back[B, T, S];
    grid (each b in B) {
        axis s in S, p in S;
        f32 v[s] = start[s] + emit[b, 0, s];
        for (each t in T from 1) {
            let c = v[s = p] + trans[p, s];
            back[b, t, s] = i32(argmax(c, p));
            v = max(c, p) + emit[b, t, s];
        }
        score[b] = max(v, s);
        int at = argmax(v, s);
        for (each u in T) {
            let t = T - 1 - u;
            path[b, t] = i32(at);
            at = t > 0 ? int(back[b, t, at]) : 0;
        }
    }
}

/// Run-length encoding of rows: n[r] runs, their values and lengths. Where the next run begins is a scan from the end.
fn least(int a, int b) -> int = min(a, b);
kernel run_lengths(in u8 X[R, N], out u8 value[R, N] = 0, out i32 length[R, N] = 0, out i32 n[R])
{
    grid (r in R) {
        axis i in N;
        let x = X[r, i], starts = i == 0 || x != X[r, i - 1];
        let at = cumsum(i32(starts), i) - 1;
        let next = scan(starts ? i : N, i, least, N, exclusive = true, reverse = true);
        n[r] = i32(count(starts, i));
        unchecked value[r, at] = x where starts;
        unchecked length[r, at] = i32(next - i) where starts;
    }
}

/// Routing by groups of experts: the two best scores of each group choose four groups, of what is left the eight best are taken.
kernel route(in f32 S[T, E], in f32 bias[E], out f32 weight[T, K], out i32 expert[T, K],
        const int groups = 8, const int take = 4, const int K = 8)
    where E % groups == 0
{
    grid (t in T) {
        let n = E / groups;
        axis e in E, g in groups, i in n, two in 2, s in take, k in K;
        let score = S[t, e] * S[t, e], biased = score + bias[e];
        let (best, _) = topk(biased[e = g * n + i], i, two);
        let (_, chosen) = topk(sum(best, two), g, s);
        let (_, at) = topk(any(e / n == chosen, s) ? biased : -inf, e, k);
        let w = score[e = at];
        weight[t, k] = w / (sum(w, k) + 1);
        expert[t, k] = i32(at);
    }
}

/// A code of at most 8 bits: the table gives for the next 8 bits the symbol, and above it how many were its own.
kernel decode(in u32 bits[R, W], in u16 table[256], in i32 n[R], out u8 Y[R, N] = 0)
{
    grid (each r in R) {
        int at = 0;
        for (each i in N until n[r]) {
            let both = (u64(bits[r, at / 32]) << 32) | u64(bits[r, at / 32 + 1]);
            let e = table[int((both >> (56 - u32(at % 32))) & 0xff)];
            Y[r, i] = u8(e & 0xff);
            at += int(e >> 8);
        }
    }
}

/// One step of beam search: of the W · V continuations of each entry the W best; one that has ended goes on with `end` alone.
kernel beam(in f32 score[B, const W], in f32 logp[B, const W, V], in i32 ended[B, const W],
        out f32 best[B, const W], out i32 from[B, const W], out i32 token[B, const W], int end)
{
    grid (b in B) {
        axis c in W * V, k in W;
        let w = c / V, v = c % V;
        let s = ended[b, w] != 0 ? (v == end ? score[b, w] : -inf) : score[b, w] + logp[b, w, v];
        let (value, at) = topk(s, c, k);
        best[b, k] = value;
        from[b, k] = at < 0 ? -1 : i32(at / V);
        token[b, k] = at < 0 ? -1 : i32(at % V);
    }
}

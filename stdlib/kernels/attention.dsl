/// Attention, softmax(scale Q K' + bias) V without the matrix of scores: online softmax over blocks of keys (Dao et al., 2022; Milakov and
/// Gimelshein, 2018). H query heads share G key heads (grouped-query). Rows that see no key give O = 0, LSE = -inf.
const f32 LOG2E = 1.4426950408889634;
const f32 LN2 = 0.6931471805599453;

/// A query sees a key that lies `distance` before it (negative: after it).
fn visible(int distance, bool causal, int window) -> bool = (!causal || distance >= 0) && (window <= 0 || distance < window);

/// Dense batches. `causal` aligns the last query with the last key; window > 0: a query sees no key that is that far
/// before it or more; `slopes` are ALiBi's: the bias of a key is -slope times its distance, before or after. With dropout of the
/// probabilities: the number of (b, h, i, j) in [B, H, S, L] decides.
kernel attention<T: f16 | bf16 | f32>(in T Q[B, H, S, const D], in T K[B, G, L, const D], in T V[B, G, L, const E],
        in? f32 bias[H, S, L], in? f32 slopes[H], out T O[B, H, S, const E], out f32 LSE[B, H, S],
        f32 scale, const bool causal, const int window = 0, const bool dropout = false, f32 drop = 0, u64 seed = 0)
    where H % G == 0
{
    grid (each b in B, each h in H, i in S) {
        let g = h * G / H, off = L - S;
        axis d in D, e in E;
        f32 o[i, e] = 0, m[i] = -inf, l[i] = 0;
        for (j in L from (window > 0 ? i.first + off - window + 1 : 0) until (causal ? i.last + 1 + off : L)) {
            f32 s[i, j] = dot(Q[b, h, i, d], K[b, g, j, d], d) * (scale * LOG2E);
            if (bias) s += bias[h, i, j] * LOG2E;
            if (slopes) s -= slopes[h] * LOG2E * f32(abs(i + off - j));
            if (causal) s = j <= i + off ? s : -inf;
            if (window > 0) s = j > i + off - window ? s : -inf;
            let top = max(m, max(s, j)), c = exp2_sub(m, top);
            f32 p[i, j] = exp2_sub(s, top);
            l = l * c + sum(p, j);
            if (dropout) p = rand(seed, ((b * H + h) * S + i) * L + j) < drop ? 0 : p / (1 - drop);
            o = o * c + dot(T(p), V[b, g, j, e], j);
            m = top;
        }
        O[b, h, i, e] = T(l == 0 ? 0 : o * (1 / l));
        LSE[b, h, i] = m * LN2 + log(l);
    }
}

/// A few queries of each sequence, as in decoding, without dropout: R = H / G query heads share the keys of one, all S queries of each at once. Scores
/// are sums along the keys as they lie; keys are cut into Z parts that run side by side, then merged.
kernel attention_few<T: f16 | bf16 | f32>(in T Q[B, H, const S, const D], in T K[B, G, L, const D], in T V[B, G, L, const E],
        in? f32 bias[H, S, L], in? f32 slopes[H], out T O[B, H, S, const E], out f32 LSE[B, H, S], f32 scale, const bool causal,
        const int window = 0, const int R = 1)
    where H == G * R
{
    let Z = max(1, min(16, ceil_div(L, 256))), chunk = ceil_div(L, Z), off = L - S;
    temp f32 po[B, H, Z, S, E];
    temp f32 pm[B, H, Z, S], pl[B, H, Z, S];
    grid (each b in B, each g in G, each z in Z) {
        axis r in R, i in S, d in D, e in E;
        f32 o[r, i, e] = 0, m[r, i] = -inf, l[r, i] = 0;
        for (j in L from max(z * chunk, window > 0 ? off - window + 1 : 0) until min(L, (z + 1) * chunk)) {
            f32 s[r, i, j] = sum(f32(Q[b, g * R + r, i, d]) * f32(K[b, g, j, d]), d) * (scale * LOG2E);
            if (bias) s += bias[g * R + r, i, j] * LOG2E;
            if (slopes) s -= slopes[g * R + r] * LOG2E * f32(abs(i + off - j));
            if (causal) s = j <= i + off ? s : -inf;
            if (window > 0) s = j > i + off - window ? s : -inf;
            let top = max(m, max(s, j)), c = exp2_sub(m, top);
            f32 p[r, i, j] = exp2_sub(s, top);
            l = l * c + sum(p, j);
            o = o * c + dot(T(p), V[b, g, j, e], j);
            m = top;
        }
        po[b, g * R + r, z, i, e] = o;
        pm[b, g * R + r, z, i] = m;
        pl[b, g * R + r, z, i] = l;
    }
    grid (each b in B, each h in H) {
        axis z in Z, i in S, e in E;
        let m = pm[b, h, z, i], top = max(m, z), w = exp2_sub(m, top);
        let l = sum(w * pl[b, h, z, i], z);
        O[b, h, i, e] = T(l == 0 ? 0 : sum(w * po[b, h, z, i, e], z) * (1 / l));
        LSE[b, h, i] = top * LN2 + log(l);
    }
}

/// The probability of a key from its score and the row's LSE.
fn weight(f32 score, f32 lse, int distance, bool causal, int window) -> f32 =
    visible(distance, causal, window) ? exp_sub(score, lse) : 0;

/// From O and LSE, scores are computed again: P = exp(S - LSE), dV = (P F)' dO, dS = P (F dO V' - sum O dO), dQ = scale dS K,
/// dK = scale dS' Q, where F is the factor of dropout, which must have the options of the forward kernel. One walk makes all three from
/// the same P and dS: keys are cut into Z parts that run side by side, each with a dQ of its own, which are then added.
kernel attention_bwd<T: f16 | bf16 | f32>(in T Q[B, H, S, const D], in T K[B, G, L, const D], in T V[B, G, L, const E],
        in T O[B, H, S, const E], in f32 LSE[B, H, S], in T dO[B, H, S, const E], in? f32 bias[H, S, L], in? f32 slopes[H],
        out T dQ[B, H, S, const D], out T dK[B, G, L, const D], out T dV[B, G, L, const E], f32 scale, const bool causal,
        const int window = 0, const bool dropout = false, f32 drop = 0, u64 seed = 0)
    where H % G == 0
{
    let R = H / G, off = L - S, Z = min(8, ceil_div(L, 512)), chunk = ceil_div(L, max(Z, 1));
    temp f32 delta[B, H, S];
    temp f32 part[Z, B, H, S, D] = 0;
    grid (each b in B, each h in H, i in S) {
        axis e in E;
        delta[b, h, i] = sum(f32(O[b, h, i, e]) * f32(dO[b, h, i, e]), e);
    }
    grid (each b in B, each g in G, each z in Z) {
        axis d in D, e in E;
        for (j in L from z * chunk until min(L, (z + 1) * chunk)) {
            f32 dk[j, d] = 0, dv[j, e] = 0;
            for (each r in R) {
                let h = g * R + r;
                for (i in S from (causal ? j.first - off : 0) until (window > 0 ? j.last + window - off : S)) {
                    f32 s[i, j] = dot(Q[b, h, i, d], K[b, g, j, d], d) * scale;
                    if (bias) s += bias[h, i, j];
                    if (slopes) s -= slopes[h] * f32(abs(i + off - j));
                    let p = weight(s, LSE[b, h, i], i + off - j, causal, window);
                    f32 pf[i, j] = p, dp[i, j] = dot(dO[b, h, i, e], V[b, g, j, e], e);
                    if (dropout) {
                        let f = rand(seed, ((b * H + h) * S + i) * L + j) < drop ? 0 : 1 / (1 - drop);
                        pf *= f;
                        dp *= f;
                    }
                    let ds = p * (dp - delta[b, h, i]) * scale;
                    dv += dot(T(pf), dO[b, h, i, e], i);
                    dk += dot(T(ds), Q[b, h, i, d], i);
                    part[z, b, h, i, d] += dot(T(ds), K[b, g, j, d], j);
                }
            }
            unchecked dK[b, g, j, d] = T(dk); // the parts are disjoint
            unchecked dV[b, g, j, e] = T(dv);
        }
    }
    grid (each b in B, each h in H, i in S) {
        axis z in Z, d in D;
        dQ[b, h, i, d] = T(sum(part[z, b, h, i, d], z));
    }
}

/// The gradient of the bias of `attention`, the sum of dS over the batch.
kernel attention_bias_bwd<T: f16 | bf16 | f32>(in T Q[B, H, S, const D], in T K[B, G, L, const D], in T V[B, G, L, const E],
        in T O[B, H, S, const E], in f32 LSE[B, H, S], in T dO[B, H, S, const E], in f32 bias[H, S, L], in? f32 slopes[H],
        out f32 dbias[H, S, L], f32 scale, const bool causal, const int window = 0, const bool dropout = false, f32 drop = 0,
        u64 seed = 0)
    where H % G == 0
{
    grid (each h in H, i in S, j in L) {
        let g = h * G / H, off = L - S;
        axis d in D, e in E;
        f32 db[i, j] = 0;
        for (each b in B) {
            f32 s[i, j] = dot(Q[b, h, i, d], K[b, g, j, d], d) * scale + bias[h, i, j];
            if (slopes) s -= slopes[h] * f32(abs(i + off - j));
            let p = weight(s, LSE[b, h, i], i + off - j, causal, window);
            f32 dp[i, j] = dot(dO[b, h, i, e], V[b, g, j, e], e);
            if (dropout) dp = rand(seed, ((b * H + h) * S + i) * L + j) < drop ? 0 : dp / (1 - drop);
            db += p * (dp - sum(f32(O[b, h, i, e]) * f32(dO[b, h, i, e]), e));
        }
        dbias[h, i, j] = db;
    }
}

/// Sequences of different lengths packed one after the other: queries cq[b] … cq[b + 1], keys ck[b] … ck[b + 1]. With dropout of the
/// probabilities: the number of (h, i, j) in [H, TQ, TK] decides.
kernel attention_packed<T: f16 | bf16 | f32>(in T Q[TQ, H, const D], in T K[TK, G, const D], in T V[TK, G, const E],
        in i32 cq[B + 1], in i32 ck[B + 1], in? f32 bias[H, TQ, TK], out T O[TQ, H, const E], out f32 LSE[H, TQ],
        f32 scale, const bool causal, const int window = 0, const bool dropout = false, f32 drop = 0, u64 seed = 0)
    where H % G == 0, sorted(cq), sorted(ck)
{
    grid (each b in B, each h in H, i in TQ from cq[b] until cq[b + 1]) {
        let g = h * G / H, end = int(ck[b + 1]);
        let off = end - int(cq[b + 1]);                       // aligns the last query with the last key
        axis d in D, e in E;
        f32 o[i, e] = 0, m[i] = -inf, l[i] = 0;
        let lo = window > 0 ? max(int(ck[b]), i.first + off - window + 1) : int(ck[b]);
        for (j in TK from lo until (causal ? min(end, i.last + off + 1) : end)) {
            f32 s[i, j] = dot(Q[i, h, d], K[j, g, d], d) * (scale * LOG2E);
            if (bias) s += bias[h, i, j] * LOG2E;
            if (causal) s = j <= i + off ? s : -inf;
            if (window > 0) s = j > i + off - window ? s : -inf;
            let top = max(m, max(s, j)), c = exp2_sub(m, top);
            f32 p[i, j] = exp2_sub(s, top);
            l = l * c + sum(p, j);
            if (dropout) p = rand(seed, (h * TQ + i) * TK + j) < drop ? 0 : p / (1 - drop);
            o = o * c + dot(T(p), V[j, g, e], j);
            m = top;
        }
        O[i, h, e] = T(l == 0 ? 0 : o * (1 / l));
        LSE[h, i] = m * LN2 + log(l);
    }
}

/// The gradient of attention_packed, as attention_bwd: in one walk, the keys of each sequence in Z parts.
kernel attention_packed_bwd<T: f16 | bf16 | f32>(in T Q[TQ, H, const D], in T K[TK, G, const D], in T V[TK, G, const E],
        in i32 cq[B + 1], in i32 ck[B + 1], in T O[TQ, H, const E], in f32 LSE[H, TQ], in T dO[TQ, H, const E],
        in? f32 bias[H, TQ, TK], out T dQ[TQ, H, const D], out T dK[TK, G, const D], out T dV[TK, G, const E],
        f32 scale, const bool causal, const int window = 0, const bool dropout = false, f32 drop = 0, u64 seed = 0)
    where H % G == 0, sorted(cq), sorted(ck)
{
    let R = H / G, Z = min(8, ceil_div(TK, max(512 * B, 1))); // of the mean length, so that it depends on shapes alone
    temp f32 delta[H, TQ];
    temp f32 part[Z, H, TQ, D] = 0;
    grid (each h in H, i in TQ) {
        axis e in E;
        delta[h, i] = sum(f32(O[i, h, e]) * f32(dO[i, h, e]), e);
    }
    grid (each b in B, each g in G, each z in Z) {
        let first = int(cq[b]), end = int(cq[b + 1]), low = int(ck[b]), high = int(ck[b + 1]);
        let off = high - end, chunk = ceil_div(high - low, Z);
        axis d in D, e in E;
        for (j in TK from low + z * chunk until min(high, low + (z + 1) * chunk)) {
            f32 dk[j, d] = 0, dv[j, e] = 0;
            for (each r in R) {
                let h = g * R + r;
                for (i in TQ from (causal ? max(first, j.first - off) : first) until (window > 0 ? min(end, j.last + window - off) : end)) {
                    f32 s[i, j] = dot(Q[i, h, d], K[j, g, d], d) * scale;
                    if (bias) s += bias[h, i, j];
                    let p = weight(s, LSE[h, i], i + off - j, causal, window);
                    f32 pf[i, j] = p, dp[i, j] = dot(dO[i, h, e], V[j, g, e], e);
                    if (dropout) {
                        let f = rand(seed, (h * TQ + i) * TK + j) < drop ? 0 : 1 / (1 - drop);
                        pf *= f;
                        dp *= f;
                    }
                    let ds = p * (dp - delta[h, i]) * scale;
                    dv += dot(T(pf), dO[i, h, e], i);
                    dk += dot(T(ds), Q[i, h, d], i);
                    unchecked part[z, h, i, d] += dot(T(ds), K[j, g, d], j); // sequences are disjoint
                }
            }
            unchecked dK[j, g, d] = T(dk); // so are the parts
            unchecked dV[j, g, e] = T(dv);
        }
    }
    grid (each b in B, each h in H, i in TQ from cq[b] until cq[b + 1]) {
        axis z in Z, d in D;
        dQ[i, h, d] = T(sum(part[z, h, i, d], z));
    }
}

/// One query per sequence against keys in pages of PS: page table[b, t] holds keys t PS … of sequence b, of which the first len[b] count. Pages
/// are shared out among Z parts that run side by side, then merged. R = H / G query heads share a key head. A part takes all heads of a page: keys of
/// one head are pieces PS apart, which no processor foresees.
kernel attention_paged<T: f16 | bf16 | f32>(in T Q[B, H, const D], in T K[NP, const PS, G, const D], in T V[NP, const PS, G, const D],
        in i32 table[B, MP], in i32 len[B], out T O[B, H, const D], f32 scale, const int R, const int Z = 16)
    where H == G * R, len <= MP * PS
{
    temp f32 po[B, H, Z, D];
    temp f32 pm[B, H, Z], pl[B, H, Z];
    split: grid (each b in B, each z in Z) {
        axis g in G, r in R, p in PS, d in D, e in D;
        let n = int(len[b]), pages = ceil_div(n, PS), chunk = ceil_div(pages, Z);
        f32 o[g, r, e] = 0, m[g, r] = -inf, l[g, r] = 0;
        for (each t in MP from z * chunk until min(pages, (z + 1) * chunk)) {
            let page = int(table[b, t]);
            f32 s[g, r, p] = 0;
            for (each q in NP from page until page + 1) // once, or never if there is no such page
                s = sum(f32(Q[b, g * R + r, d]) * f32(K[q, p, g, d]), d) * (scale * LOG2E);
            s = t * PS + p < n ? s : -inf;
            let top = max(m, max(s, p)), w = exp2_sub(s, top), c = exp2_sub(m, top);
            l = l * c + sum(w, p);
            o *= c;
            for (each q in NP from page until page + 1)
                o += dot(T(w), V[q, p, g, e], p);
            m = top;
        }
        po[b, g * R + r, z, e] = o;
        pm[b, g * R + r, z] = m;
        pl[b, g * R + r, z] = l;
    }
    merge: grid (each b in B, h in H) {
        axis z in Z, d in D;
        let m = pm[b, h, z], w = exp2_sub(m, max(m, z));
        let l = sum(w * pl[b, h, z], z);
        O[b, h, d] = T(l == 0 ? 0 : sum(w * po[b, h, z, d], z) * (1 / l));
    }
}

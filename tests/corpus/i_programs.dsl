/// Whole programs: constants in tiles, time steps as phases, states carried along sequences, tables and searches.

/// The gradient of an image; the mask is a constant tile, transposed by naming its axes the other way round.
kernel sobel(in u8 X[H, W], out u8 Y[H, W])
{
    grid (y in H, x in W) {
        axis a in 3, b in 3;
        const i32 mask[a, b] = {{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}};
        let v = i32(X[clamp(y + a - 1, 0, H - 1), clamp(x + b - 1, 0, W - 1)]);
        let gx = sum(v * mask, a, b), gy = sum(v * mask[a = b, b = a], a, b);
        Y[y, x] = u8(min(255, abs(gx) + abs(gy)));
    }
}

/// Steps in time between two halves of one tensor: what a step reads, it does not write.
kernel heat<T: f32 | f64>(in T U[D, H, W], out T V[D, H, W], T c, int steps)
{
    temp T t[2, D, H, W];
    grid (d in D, h in H, w in W) t[0, d, h, w] = U[d, h, w];
    for (each s in steps) {
        grid (d in D, h in H, w in W) {
            let i = s % 2, x = t[i, d, h, w];
            let around = t[i, d - 1, h, w] + t[i, d + 1, h, w] + t[i, d, h - 1, w] + t[i, d, h + 1, w] + t[i, d, h, w - 1] + t[i, d, h, w + 1];
            t[1 - i, d, h, w] = x + c * (around - 6 * x);
        }
    }
    grid (d in D, h in H, w in W) V[d, h, w] = t[steps % 2, d, h, w];
}

/// The loss of connectionist temporal classification: labels with blanks (0) between them, one column of states, a step per input.
kernel ctc(in f32 P[B, L, V], in i32 label[B, U], in i32 n_in[B], in i32 n_label[B], out f32 loss[B])
{
    grid (each b in B) {
        axis s in 2 * U + 1;
        let c = s % 2 == 0 ? 0 : label[b, s / 2];
        let skip = s % 2 == 1 && (s == 1 || label[b, s / 2] != label[b, s / 2 - 1]);
        f32 a[s] = s == 0 ? 0 : -inf;
        for (each t in n_in[b]) {
            let x = logaddexp(t > 0 || s == 0 ? a : -inf, a[s = s - 1] else -inf);
            let y = skip && t > 0 ? logaddexp(x, a[s = s - 2] else -inf) : x;
            a = y + P[b, t, c];
        }
        let e = 2 * int(n_label[b]);
        loss[b] = -logaddexp(a[s = e], e > 0 ? a[s = e - 1] : -inf);
    }
}

/// A convolution whose taps lie where another tensor says, between pixels.
kernel deform_conv(in f32 X[N, H, W, C], in f32 O[N, H, W, const R, const S, 2], in f32 F[const R, const S, C, K], out f32 Y[N, H, W, K])
{
    grid (each n in N, h in H, w in W, k in K) {
        f32 acc[h, w, k] = 0;
        for (each r in R) for (each s in S) {
            let y = f32(h + r - R / 2) + O[n, h, w, r, s, 0], x = f32(w + s - S / 2) + O[n, h, w, r, s, 1];
            let y0 = floor(y), x0 = floor(x), fy = y - y0, fx = x - x0, i = int(y0), j = int(x0);
            for (c in C) {
                let top = (1 - fx) * X[n, i, j, c] + fx * X[n, i, j + 1, c], low = (1 - fx) * X[n, i + 1, j, c] + fx * X[n, i + 1, j + 1, c];
                acc += dot((1 - fy) * top + fy * low, F[r, s, c, k], c);
            }
        }
        Y[n, h, w, k] = acc;
    }
}

/// A scan with a decay by chunks of Q: products within a chunk, a state between chunks.
kernel chunk_scan(in f32 X[B, L, H, const P], in f32 dt[B, L, H], in f32 A[H], in f32 Bm[B, L, const N], in f32 Cm[B, L, const N],
                  out f32 Y[B, L, H, const P], const int Q = 32)
{
    grid (each b in B, each h in H) {
        axis p in P, n in N;
        f32 state[p, n] = 0;
        for (each c in ceil_div(L, Q)) {
            axis i in Q, j in Q;
            let a = cumsum(dt[b, c * Q + i, h] * A[h], i), last = a[i = Q - 1];
            let x = X[b, c * Q + j, h, p] * dt[b, c * Q + j, h];
            let g = dot(Cm[b, c * Q + i, n], Bm[b, c * Q + j, n], n) * (j <= i ? exp(a - a[i = j]) : 0);
            Y[b, c * Q + i, h, p] = dot(g, x, j) + dot(Cm[b, c * Q + i, n] * exp(a), state, n);
            state = state * exp(last) + dot(x * exp(last - a[i = j]), Bm[b, c * Q + j, n], j);
        }
    }
}

fn crc_entry(u32 n) -> u32
{
    u32 c = n;
    unroll for (int k = 0; k < 8; k += 1) c = (c & 1) != 0 ? 0xedb88320 ^ c >> 1 : c >> 1;
    return c;
}
kernel crc32(in u8 X[N, L], in i32 len[N], out u32 Y[N])
{
    temp u32 table[256];
    grid (i in 256) table[i] = crc_entry(u32(i));
    grid (n in N) {
        u32 c[n] = 0xffffffff;
        for (each l in L) c = l < len[n] ? table[(c ^ X[n, l]) & 255] ^ c >> 8 : c;
        Y[n] = ~c;
    }
}

/// The first of the sorted keys that is not below x.
fn lower(in i32 keys[N], i32 x) -> int
{
    int lo = 0, hi = N;
    while (lo < hi) {
        let mid = (lo + hi) / 2;
        if (keys[mid] < x) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}
kernel search(in i32 keys[N], in i32 X[M], out i64 at[M])
{
    grid (m in M) at[m] = lower(keys, X[m]);
}

/// Lines of 4-bit elements, from the first and from the second on; beyond them are zeros.
kernel nibbles(in u4 W[M, K], in i4 V[M, K], out i32 Y[M, K], out f32 total[M])
{
    grid (m in M, k in K) Y[m, k] = i32(W[m, k]) + 100 * i32(V[m, k + 1]);
    grid (m in M) {
        f32 sums[m] = 0;
        for (k in K) sums += sum(f32(W[m, k]) * f32(V[m, k]), k);
        total[m] = sums;
    }
}

/// Flash attention, grouped-query, causal or not.
const f32 LOG2E = 1.4426950408889634;
const f32 LN2 = 0.6931471805599453;
kernel attention<T: f16 | bf16 | f32>(in T Q[B, H, S, const D], in T K[B, G, L, const D], in T V[B, G, L, const E],
                           out T O[B, H, S, const E], out f32 LSE[B, H, S], f32 scale, const bool causal)
    where H % G == 0
{
    grid (each b in B, each h in H, i in S) {         // `each`: one index per instance, a scalar
        let g = h * G / H;
        axis d in D, e in E;
        f32 o[i, e] = 0, m[i] = -inf, l[i] = 0;
        for (j in L until (causal ? i.last + 1 + L - S : L)) {
            f32 s[i, j] = dot(Q[b, h, i, d], K[b, g, j, d], d) * (scale * LOG2E);
            if (causal) s = j <= i + (L - S) ? s : -inf;          // an axis used as a value is its index
            let top = max(m, max(s, j)), p = exp2_sub(s, top), c = exp2_sub(m, top);
            l = l * c + sum(p, j);
            o = o * c + dot(T(p), V[b, g, j, e], j);
            m = top;
        }
        O[b, h, i, e] = T(l == 0 ? 0 : o / l);
        LSE[b, h, i] = m * LN2 + log(l);
    }
}

const f32 LOG2E = 1.4426950408889634;

/// One query per sequence and head. Keys and values of all sequences lie in pages of PS; page table[b, t] holds keys t PS … of sequence b, which has
/// len[b] keys. The keys are cut into Z parts that run side by side (split), then their results are combined (merge).
kernel paged_attention(in f32 Q[B, H, const D], in f32 K[NP, const PS, G, const D], in f32 V[NP, const PS, G, const D],
                       in i32 table[B, MP], in i32 len[B], out f32 O[B, H, const D], f32 scale, const int R, const int Z = 4)
    where H == G * R
{
    temp f32 part[B, H, Z, D];
    temp f32 top[B, H, Z], total[B, H, Z];
    split: grid (each b in B, each g in G, each z in Z) {
        axis r in R, d in D, e in D;
        let n = int(len[b]), chunk = ceil_div(n, Z);
        f32 o[r, e] = 0, m[r] = -inf, l[r] = 0;
        for (j in MP * PS from z * chunk until min(n, (z + 1) * chunk)) {
            let page = table[b, j / PS];
            let s = dot(Q[b, g * R + r, d], K[page, j % PS, g, d], d) * (scale * LOG2E);
            let high = max(m, max(s, j)), p = exp2_sub(s, high), c = exp2_sub(m, high);
            l = l * c + sum(p, j);
            o = o * c + dot(p, V[page, j % PS, g, e], j);
            m = high;
        }
        part[b, g * R + r, z, e] = o;
        top[b, g * R + r, z] = m;
        total[b, g * R + r, z] = l;
    }
    merge: grid (each b in B, h in H) {
        axis z in Z, d in D;
        let m = top[b, h, z], w = exp2_sub(m, max(m, z)), l = sum(w * total[b, h, z], z);
        O[b, h, d] = l == 0 ? 0 : sum(w * part[b, h, z, d], z) / l;
    }
}

/// An old value that changes by what has nothing to do with the block.
kernel decayed(in f32 X[N, M], out f32 Y[N], out f32 Z[N], out f32 W[N], f32 s)
{
    grid (i in N) {
        f32 a[i] = 0, b[i] = 0, c[i] = 0;
        for (k in M) a = a * 0.5 + sum(X[i, k], k);
        for (k in M) {
            b += sum(X[i, k], k);
            b += s;
        }
        for (k in M) c = (c + sum(X[i, k], k)) / (s + 1);
        Y[i] = a;
        Z[i] = b;
        W[i] = c;
    }
}
/// These do not depend on blocks, or say how.
kernel fine(in f32 X[N, M], out f32 Y[N], out f32 Z[N], out f32 W[N], f32 s)
{
    grid (i in N) {
        f32 m[i] = -inf, l[i] = 0, a[i] = 0, c[i] = 0;
        for (k in M) {
            let top = max(m, max(X[i, k], k));
            l = l * exp_sub(m, top) + sum(exp_sub(X[i, k], top), k);
            m = top;
        }
        for (k in M) a = a * pow(s, f32(k.size)) + sum(X[i, k] * pow(s, f32(k.last - k)), k);
        for (k in M) c = f32(bf16(c + s * sum(X[i, k], k))) * 1.0;
        Y[i] = l;
        Z[i] = a;
        W[i] = c;
    }
}

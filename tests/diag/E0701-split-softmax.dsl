kernel softmax(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        f32 m[i] = -inf, l[i] = 0;
        for (j in N) {
            let x = X[i, j], top = max(m, max(x, j));
            l = l * exp_sub(m, top) + sum(exp_sub(x, top), j);
            m = top;
        }
        Y[i] = m + log(l);
    }
}
schedule softmax { split(j) = 4; }

kernel k(in f32 Q[M, D], in f32 V[N, E], out f32 Y[M, N])
{
    grid (m in M, n in N) {
        axis d in D, e in E;
        Y[m, n] = dot(Q[m, d], V[n, e], d);
    }
}

kernel scores(in f32 Q[M, D], in f32 K[N, D], out f32 S[M, N])
{
    grid (m in M, n in N) {
        axis d in D;
        let k = K[n, d];
        S[m, n] = dot(Q[m, d], k.T, d);
    }
}

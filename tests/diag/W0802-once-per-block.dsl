kernel count(in f32 X[N], out i32 C[1] = 0)
{
    grid (i in N) atomic C[0] += 1;
}

kernel rows(in i32 b[M], in f32 X[M, N], out f32 H[B] = 0)
{
    grid (t in M, d in N) atomic H[b[t]] += 1;
}

kernel steps(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        f32 n[i] = 0;
        for (k in N) n += 1;
        Y[i] = n;
    }
}

kernel fine(in f32 X[M, N], out i32 C[3] = 0, out f32 S[M] = 0)
{
    grid (i in M, j in N) {
        atomic C[0] += i32(i.size * j.size);
        atomic C[1] max= 1;
        atomic C[2] += 1 where i.first == 0 && j.first == 0;
        atomic S[i] += sum(X[i, j], j);
    }
}

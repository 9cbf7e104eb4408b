/// C = V B. V is stored by blocks of S × S: block row r has the blocks z from row[r] until row[r + 1], block z lies at block column col[z].
kernel block_sparse(in f32 V[Z, const S, const S], in i32 row[R + 1], in i32 col[Z], in f32 B[K, N], out f32 C[M, N])
    where M == R * S
{
    grid (each r in R, n in N) {
        axis p in S, q in S;
        f32 acc[p, n] = 0;
        for (each z in Z from row[r] until row[r + 1])
            acc += dot(V[z, p, q], B[int(col[z]) * S + q, n], q);
        C[r * S + p, n] = acc;
    }
}

kernel k(in i32 ptrs[R], in f32 Z[N], out f32 Y[R])
{
    grid (r in R) {
        f32 a[r] = 0;
        for (e in N until ptrs[r]) a += sum(Z[e], e);
        Y[r] = a;
    }
}

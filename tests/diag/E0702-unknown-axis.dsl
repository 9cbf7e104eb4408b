kernel add(in f32 A[N], in f32 B[N], out f32 C[N])
{
    grid (i in N) C[i] = A[i] + B[i];
}
schedule add { n = 128; }

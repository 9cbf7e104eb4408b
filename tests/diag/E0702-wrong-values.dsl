kernel add(in f32 A[N], in f32 B[N], out f32 C[N])
{
    grid (i in N) C[i] = A[i] + B[i];
}
schedule add { i = 0; vector(i) = true; pack(D) = true; raster = zigzag; i = 64; stages = row; }
tune add { i in {64, 128}; i#2 in {4}; bucket K pow2; require smemm < 100; }

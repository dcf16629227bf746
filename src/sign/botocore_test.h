// Requests as botocore 1.43.11 signs them (tools/sign_vectors.py).
#pragma once

#include <string_view>

namespace forebay::sign {

struct BotocoreVector {
  std::string_view name;
  std::string_view raw;
};

// clang-format off
inline constexpr BotocoreVector kBotocoreVectors[] = {
    {"plain get, header",
    "GET /bucket/key HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=fee3afbe12a91be1"
    "62631d31fa3a7f63b38438ddddb42423453c88fa596789b8"},
    {"get with range, header",
    "GET /bucket/dir/file.bin HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "Range: bytes=0-99\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=a2c2d99f7a"
    "a67c986f35cb3887dc34749e288a2fa3192596b40f28828f416ca0"},
    {"odd characters, header",
    "GET /bucket/a%20b%2Bc%3D%28d%29%21%2A%27%3B%3A%40%26.txt HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=1ecfa46a0f5836e2"
    "06080335f585ad92991ed25974f6e4f96e3192d95073d642"},
    {"utf-8, header",
    "GET /bucket/%C3%BC%E2%82%AC/%F0%9F%90%98 HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=d3578b6d1badcac9"
    "0ef6757019828a3ab83b84e2c6c021fe072efbe50e12e35b"},
    {"dots and slashes, header",
    "GET /bucket//a/./b/../c// HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=95a0af1daeda571c"
    "bf9bed7fb653298524e603fc42334f8fa62734ce9ebc71f3"},
    {"sorted query, header",
    "GET /bucket?prefix=a%2Fb+c%2Bd&list-type=2&delimiter=%2F&Start-after=%C3%BC HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=f6a7780ce21c983a"
    "d64a26ac439db4c3ca0d5f5f8a170fbbf6eb9a26f5068015"},
    {"empty value, header",
    "GET /bucket?uploads= HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=99dedc107afd276c"
    "672e4b9343ecb7d87ef48565c1db56fe8336a703697d4cdd"},
    {"same name twice, header",
    "GET /bucket?a=2&a=1&a-b=0 HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=8fefc3cfe8dae552"
    "8a23c0f354d34f48ee97f506677640890e6a01751fe53078"},
    {"put with hash, header",
    "PUT /bucket/key HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "x-amz-meta-note:   two   words\011and more \n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde"
    "9\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-not"
    "e, Signature=64f6a4739dc9b43407c6057ad536ff3b48ff6ecd626e849c0c551669114e74b4\n"
    "Content-Length: 11"},
    {"session token, header",
    "GET /bucket/key HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Security-Token: FwoGZXIvYXdzE+token/with=signs==\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signa"
    "ture=edad11e6313d12b903065bb53ca59a391431b8ca3b498c13413e8c8a9966bcae"},
    {"delete, header",
    "DELETE /bucket/key?versionId=null HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "X-Amz-Date: 20260102T030405Z\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
    "5\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDBOTOCORE/20260102/eu-west-3/s3/aws4_re"
    "quest, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=21d4881ef88f5625"
    "24fbca759bc3bb27ecb79d5213aec4fe2e16c786f33eaf25\n"
    "Content-Length: 0"},
    {"plain get, query",
    "GET /bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDBOTOCORE%2F2026"
    "0102%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=3600&X"
    "-Amz-SignedHeaders=host&X-Amz-Signature=989388d38269c9e0de8a556c86ce5cc9d06555afea0d5"
    "6e27aebfa1c3f700ec2 HTTP/1.1\n"
    "Host: data.example.org:9000"},
    {"get with range, query",
    "GET /bucket/dir/file.bin?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDBOTOCO"
    "RE%2F20260102%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expir"
    "es=3600&X-Amz-SignedHeaders=host%3Brange&X-Amz-Signature=95cc36b9d3868b7a6a070894369e"
    "586fe44fa30615ecb91e05b6393b3599ce32 HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "Range: bytes=0-99"},
    {"odd characters, query",
    "GET /bucket/a%20b%2Bc%3D%28d%29%21%2A%27%3B%3A%40%26.txt?X-Amz-Algorithm=AWS4-HMAC-SH"
    "A256&X-Amz-Credential=AKIDBOTOCORE%2F20260102%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-D"
    "ate=20260102T030405Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=9fdd"
    "218b42457c13ad939f84ec92f7460be3bf90eed6ed3e0e3ee163437e444a HTTP/1.1\n"
    "Host: data.example.org:9000"},
    {"utf-8, query",
    "GET /bucket/%C3%BC%E2%82%AC/%F0%9F%90%98?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Crede"
    "ntial=AKIDBOTOCORE%2F20260102%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=20260102T030"
    "405Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=d0fd29720f5c24949332"
    "d3fea9ee010edaeddd300f25b1c677ad113d183c0cbf HTTP/1.1\n"
    "Host: data.example.org:9000"},
    {"dots and slashes, query",
    "GET /bucket//a/./b/../c//?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDBOTOC"
    "ORE%2F20260102%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expi"
    "res=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=3e5043d7049989d6ce6a6eeae6e5d3c18d2"
    "08fb0ac47d67369a7b9238ca088ef HTTP/1.1\n"
    "Host: data.example.org:9000"},
    {"sorted query, query",
    "GET /bucket?prefix=a%2Fb%20c%2Bd&list-type=2&delimiter=%2F&Start-after=%C3%BC&X-Amz-A"
    "lgorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDBOTOCORE%2F20260102%2Feu-west-3%2Fs3%2"
    "Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=33832bd48ddf0e6e5f7b18454d356f28266c419b934e1d8ea78bf6c73a12baa3 HTT"
    "P/1.1\n"
    "Host: data.example.org:9000"},
    {"empty value, query",
    "GET /bucket?uploads=&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDBOTOCORE%2"
    "F20260102%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=3"
    "600&X-Amz-SignedHeaders=host&X-Amz-Signature=14f4a12817e48d82f1c9470de72ac001e3b72c79"
    "0a70f7b1e4bd62009b0b058d HTTP/1.1\n"
    "Host: data.example.org:9000"},
    {"session token, query",
    "GET /bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDBOTOCORE%2F2026"
    "0102%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=3600&X"
    "-Amz-SignedHeaders=host&X-Amz-Security-Token=FwoGZXIvYXdzE%2Btoken%2Fwith%3Dsigns%3D%"
    "3D&X-Amz-Signature=bb7887269862efafd9da7cfe9a000833204bc7e471a7434d1c5ec842db54e07d H"
    "TTP/1.1\n"
    "Host: data.example.org:9000"},
    {"delete, query",
    "DELETE /bucket/key?versionId=null&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A"
    "KIDBOTOCORE%2F20260102%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-"
    "Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=8773d31662a5fb1e82f99dd8d37"
    "26452b81e1c3971bb54afb9819159b8cc1a99 HTTP/1.1\n"
    "Host: data.example.org:9000\n"
    "Content-Length: 0"},
};
// clang-format on

}  // namespace forebay::sign

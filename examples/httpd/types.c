/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.c - media types, as IANA registers them; text is taken for UTF-8.
 */
#include "types.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *type, *suffixes; /* each with a blank behind it */
} types[] = {
    {"text/html; charset=utf-8", "html htm "},
    {"text/css; charset=utf-8", "css "},
    {"text/javascript; charset=utf-8", "js mjs "},
    {"application/json", "json map "},
    {"text/plain; charset=utf-8", "txt text log conf ini "},
    {"image/png", "png "},
    {"image/jpeg", "jpg jpeg jfif "},
    {"image/svg+xml", "svg "},
    {"image/webp", "webp "},
    {"image/avif", "avif "},
    {"image/gif", "gif "},
    {"image/vnd.microsoft.icon", "ico "},
    {"image/apng", "apng "},
    {"image/jxl", "jxl "},
    {"image/heic", "heic "},
    {"image/heif", "heif "},
    {"image/bmp", "bmp "},
    {"image/tiff", "tif tiff "},
    {"font/woff2", "woff2 "},
    {"font/woff", "woff "},
    {"font/ttf", "ttf "},
    {"font/otf", "otf "},
    {"font/collection", "ttc "},
    {"application/wasm", "wasm "},
    {"application/manifest+json", "webmanifest "},
    {"application/ld+json", "jsonld "},
    {"application/geo+json", "geojson "},
    {"application/xml", "xml xsl "},
    {"application/xhtml+xml", "xhtml xht "},
    {"application/atom+xml", "atom "},
    {"application/rss+xml", "rss "},
    {"application/yaml", "yaml yml "},
    {"application/toml", "toml "},
    {"application/sql", "sql "},
    {"text/markdown; charset=utf-8", "md markdown "},
    {"text/csv; charset=utf-8", "csv "},
    {"text/tab-separated-values; charset=utf-8", "tsv "},
    {"text/calendar; charset=utf-8", "ics "},
    {"text/vcard; charset=utf-8", "vcf "},
    {"text/vtt; charset=utf-8", "vtt "},
    {"application/pdf", "pdf "},
    {"application/rtf", "rtf "},
    {"application/epub+zip", "epub "},
    {"application/zip", "zip "},
    {"application/gzip", "gz tgz "},
    {"application/zstd", "zst "},
    {"application/x-xz", "xz "},
    {"application/x-bzip2", "bz2 "},
    {"application/x-7z-compressed", "7z "},
    {"application/x-tar", "tar "},
    {"application/java-archive", "jar "},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx "},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx "},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx "},
    {"application/vnd.oasis.opendocument.text", "odt "},
    {"application/vnd.oasis.opendocument.spreadsheet", "ods "},
    {"application/vnd.sqlite3", "sqlite "},
    {"application/vnd.apple.mpegurl", "m3u8 "},
    {"application/dash+xml", "mpd "},
    {"audio/mpeg", "mp3 "},
    {"audio/mp4", "m4a "},
    {"audio/aac", "aac "},
    {"audio/ogg", "ogg oga opus "},
    {"audio/flac", "flac "},
    {"audio/wav", "wav "},
    {"audio/webm", "weba "},
    {"audio/midi", "mid midi "},
    {"video/mp4", "mp4 m4v "},
    {"video/webm", "webm "},
    {"video/ogg", "ogv "},
    {"video/quicktime", "mov "},
    {"video/matroska", "mkv "},
    {"video/mp2t", "ts m2ts "},
    {"model/gltf+json", "gltf "},
    {"model/gltf-binary", "glb "},
    {"model/stl", "stl "},
};

/* The first suffix of a list equals s, upper and lower case alike. */
static bool same_suffix(const char *s, const char *suffix)
{
    for (; *s && *suffix != ' '; s++, suffix++)
        if ((*s >= 'A' && *s <= 'Z' ? *s + 32 : *s) != *suffix)
            return false;
    return *s == 0 && *suffix == ' ';
}

static bool has_suffix(const char *s, const char *suffixes)
{
    for (; *suffixes; suffixes = strchr(suffixes, ' ') + 1)
        if (same_suffix(s, suffixes))
            return true;
    return false;
}

const char *type_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(path, '.');

    if (dot && (!slash || dot > slash))
        for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
            if (has_suffix(dot + 1, types[i].suffixes))
                return types[i].type;
    return "application/octet-stream";
}

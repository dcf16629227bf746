// The whole program but its main: arguments in, output and exit code out, against a stub server in
// a simulated world.
#include "cli/world_test.h"

namespace forebay::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(CliTest, HelpIsForNewcomers) {
  EXPECT_EQ(run({"--help"}), 0);
  for (const char* word : {"serve", "bucket", "ls", "cp", "cat", "rm", "stat", "status",
                           "FOREBAY_ROOT_ACCESS_KEY", "--data", "s3://"}) {
    EXPECT_THAT(out_, HasSubstr(word));
  }
  EXPECT_EQ(run({"bucket", "create", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("--origin-profile"));
  EXPECT_THAT(out_, HasSubstr("immutable"));
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_EQ(out_, "forebay 1.2.3\n");
}

TEST_F(CliTest, WrongUsageIsTwo) {
  for (std::vector<std::string> bad : {std::vector<std::string>{},
                                       {"nonsense"},
                                       {"bucket"},
                                       {"bucket", "create"},
                                       {"cp", "a"},
                                       {"ls", "--no-such"},
                                       {"cp", "a", "b", "--part-size", "1"},
                                       {"rm"}}) {
    EXPECT_EQ(run(bad), 2) << (bad.empty() ? "" : bad[0]);
    EXPECT_EQ(out_, "");
    EXPECT_NE(err_, "");
  }
  EXPECT_TRUE(world_.stub().log.empty());
}

TEST_F(CliTest, BucketsFromMakingToRemoving) {
  EXPECT_EQ(run({"bucket", "create", "images", "--origin", "dir:///srv", "--freshness", "exact"}),
            0)
      << err_;
  EXPECT_EQ(out_, "made bucket images over dir:///srv\n");
  EXPECT_EQ(run({"bucket", "create", "images"}), 1);
  EXPECT_EQ(err_,
            "forebay: bucket images exists; its settings are unchanged (forebay bucket show "
            "images)\n");
  EXPECT_EQ(run({"bucket", "ls"}), 0);
  EXPECT_EQ(out_, "NAME    FRESHNESS  ORIGIN\nimages  exact      dir:///srv\n");
  EXPECT_EQ(run({"bucket", "ls", "--json"}), 0);
  EXPECT_EQ(out_, R"([{"name":"images","origin":"dir:///srv","freshness":"exact"}])"
                  "\n");
  EXPECT_EQ(run({"bucket", "show", "images"}), 0);
  EXPECT_EQ(out_, "name: images\norigin: dir:///srv\nfreshness: exact\n");
  EXPECT_EQ(run({"bucket", "rm", "images"}), 0);
  EXPECT_EQ(out_, "removed bucket images\n");
  EXPECT_EQ(run({"bucket", "show", "images"}), 1);
  EXPECT_EQ(run({"bucket", "ls"}), 0);
  EXPECT_EQ(out_, "");
}

TEST_F(CliTest, AnOriginsKeysComeFromAProfile) {
  write("/people/bob/.aws/credentials",
        "[lab]\naws_access_key_id=AK\naws_secret_access_key=SK\n"
        "[short]\naws_access_key_id=AK\naws_secret_access_key=SK\naws_session_token=T\n");
  write("/people/bob/.aws/config", "[profile lab]\nregion = eu-west-1\n");
  EXPECT_EQ(run({"bucket", "create", "b-1", "--origin", "s3://x", "--origin-profile", "lab"}), 0)
      << err_;
  const Json& made = world_.stub().admin_buckets["b-1"];
  EXPECT_EQ(made.string("origin_access_key").value(), "AK");
  EXPECT_EQ(made.string("origin_secret_key").value(), "SK");
  EXPECT_EQ(made.string("origin_region").value(), "eu-west-1");
  EXPECT_EQ(run({"bucket", "create", "b-2", "--origin-profile", "none"}), 1);
  EXPECT_THAT(err_, HasSubstr("no profile 'none'"));
  EXPECT_THAT(err_, HasSubstr("unset it if it names Forebay's own file"));
  environment_.variables["AWS_SHARED_CREDENTIALS_FILE"] = "/people/bob/nothing/credentials";
  EXPECT_EQ(run({"bucket", "set", "b-1", "--origin-profile", "lab"}), 1);
  EXPECT_THAT(err_, HasSubstr("--origin-profile lab: /people/bob/nothing/credentials: "));
  EXPECT_THAT(err_, Not(HasSubstr("--data DIR")));
  environment_.variables.erase("AWS_SHARED_CREDENTIALS_FILE");
  EXPECT_EQ(run({"bucket", "create", "b-2", "--origin-profile", "short"}), 1);
  EXPECT_THAT(err_, HasSubstr("session token"));
}

TEST_F(CliTest, AnOriginsKeysComeFromFlagsOrVariables) {
  EXPECT_EQ(run({"bucket", "create", "b-1", "--origin", "s3://x", "--origin-access-key", "AK",
                 "--origin-secret-key", "SK"}),
            0);
  EXPECT_EQ(world_.stub().admin_buckets["b-1"].string("origin_secret_key").value(), "SK");
  EXPECT_THAT(out_, Not(HasSubstr("SK")));
  EXPECT_EQ(run({"bucket", "create", "b-2", "--origin-access-key", "AK"}), 2);
  environment_.variables["FOREBAY_ORIGIN_ACCESS_KEY"] = "EA";
  environment_.variables["FOREBAY_ORIGIN_SECRET_KEY"] = "ES";
  EXPECT_EQ(run({"bucket", "create", "b-3", "--origin", "s3://x"}), 0);
  EXPECT_EQ(world_.stub().admin_buckets["b-3"].string("origin_access_key").value(), "EA");
  EXPECT_EQ(run({"bucket", "create", "b-4"}), 0);
  EXPECT_EQ(world_.stub().admin_buckets["b-4"].find("origin_access_key"), nullptr)
      << "keys of an origin that is not named";
}

TEST_F(CliTest, LimitsAreSetAndChanged) {
  EXPECT_EQ(run({"bucket", "create", "b-1", "--native", "--max-bytes", "2GiB"}), 0) << err_;
  Json& made = world_.stub().admin_buckets["b-1"];
  EXPECT_EQ(made.unsigned_integer("max_bytes").value(), uint64_t{2} << 30);
  EXPECT_EQ(made.find("max_objects"), nullptr);
  EXPECT_EQ(run({"bucket", "set", "b-1", "--max-bytes", "0", "--max-objects", "1000"}), 0) << err_;
  EXPECT_EQ(made.unsigned_integer("max_bytes").value(), 0U);
  EXPECT_EQ(made.unsigned_integer("max_objects").value(), 1000U);
  EXPECT_THAT(out_, HasSubstr("max_objects"));
  for (const std::vector<std::string>& slip : {std::vector<std::string>{},
                                               {"--max-bytes", "2GB"},
                                               {"--max-bytes", "-1"},
                                               {"--max-bytes", ""},
                                               {"--max-objects", "", "--max-bytes", "1"},
                                               {"--max-objects", "1k"},
                                               {"--max-objects", "18446744073709551616"}}) {
    std::vector<std::string> words{"bucket", "set", "b-1"};
    words.insert(words.end(), slip.begin(), slip.end());
    EXPECT_EQ(run(words), 2) << err_;
  }
  EXPECT_EQ(run({"bucket", "set", "nope", "--max-objects", "1"}), 1);
  for (const char* limit : {"--max-bytes", "--max-objects"}) {
    EXPECT_EQ(run({"bucket", "create", "b-2", "--native", limit, ""}), 2);
    EXPECT_THAT(err_, testing::AllOf(HasSubstr(limit), HasSubstr("empty")));
  }
  EXPECT_FALSE(world_.stub().admin_buckets.contains("b-2"));
}

TEST_F(CliTest, KeysOfAnOriginAreChanged) {
  EXPECT_EQ(run({"bucket", "create", "b-1", "--origin", "s3://x"}), 0) << err_;
  Json& made = world_.stub().admin_buckets["b-1"];
  auto keys = [&] {
    return made.string_or("origin_access_key", "").value() + ":" +
           made.string_or("origin_secret_key", "").value();
  };
  std::vector<std::string> set{
      "bucket", "set", "b-1", "--origin-access-key", "NEW", "--origin-secret-key", "hush"};
  EXPECT_EQ(run(set), 0) << err_;
  EXPECT_EQ(keys(), "NEW:hush");
  EXPECT_EQ(run({"bucket", "set", "b-1", "--origin-access-key", "ALONE"}), 2) << err_;
  set.insert(set.end(), {"--max-bytes", "1"});
  EXPECT_EQ(run(set), 2) << err_;
  EXPECT_EQ(keys(), "NEW:hush");
  set = {"bucket", "set", "nope", "--origin-access-key", "A", "--origin-secret-key", "B"};
  EXPECT_EQ(run(set), 1);
}

TEST_F(CliTest, AnOriginIsHedgedOrNot) {
  EXPECT_EQ(run({"bucket", "create", "b-1", "--origin", "s3://x", "--hedge", "p95"}), 0) << err_;
  Json& made = world_.stub().admin_buckets["b-1"];
  EXPECT_EQ(made.string("hedge").value(), "p95");
  EXPECT_EQ(run({"bucket", "set", "b-1", "--hedge", "off"}), 0) << err_;
  EXPECT_EQ(made.string("hedge").value(), "off");
  for (std::vector<std::string> slip : {std::vector<std::string>{"--hedge", "p50"},
                                        {"--hedge", ""},
                                        {"--hedge", "p99", "--max-bytes", "1"},
                                        {"--hedge", "p99", "--origin-access-key", "A"}}) {
    slip.insert(slip.begin(), {"bucket", "set", "b-1"});
    EXPECT_EQ(run(slip), 2) << err_;
  }
  EXPECT_EQ(run({"bucket", "create", "b-2", "--native", "--hedge", "p99"}), 2) << err_;
  EXPECT_EQ(made.string("hedge").value(), "off");
}

TEST_F(CliTest, LsShowsBucketsFoldersAndObjects) {
  objects()["a.txt"].bytes = "12345";
  objects()["dir/b"];
  objects()["dir/sub/c"];
  objects()["z"];
  EXPECT_EQ(run({"ls"}), 0);
  EXPECT_EQ(out_, "2015-10-21 07:28:00  data\n");
  for (const char* path : {"data", "s3://data", "s3://data/"}) {
    EXPECT_EQ(run({"ls", path}), 0);
    EXPECT_EQ(out_,
              "2015-10-21 07:28:00             5  a.txt\n"
              "                              PRE  dir/\n"
              "2015-10-21 07:28:00             0  z\n");
  }
  EXPECT_EQ(run({"ls", "data/dir/", "-r"}), 0);
  EXPECT_THAT(out_, HasSubstr("  dir/b\n"));
  EXPECT_THAT(out_, HasSubstr("  dir/sub/c\n"));
}

TEST_F(CliTest, ABucketThatIsNotThereIsNamedWithWhatToDo) {
  write("/people/ada/f", "x");
  for (std::vector<std::string> words : {std::vector<std::string>{"ls", "s3://nope"},
                                         {"ls", "-r", "nope/a"},
                                         {"cat", "nope/k"},
                                         {"stat", "nope/k"},
                                         {"cp", "nope/k", "./g"},
                                         {"cp", "f", "s3://nope/k"},
                                         {"rm", "nope/k"},
                                         {"rm", "-r", "nope"},
                                         {"bucket", "show", "nope"},
                                         {"bucket", "rm", "nope"}}) {
    EXPECT_EQ(run(words), 1) << words[0];
    EXPECT_THAT(err_, testing::AnyOf(StartsWith("forebay: s3://nope/"),
                                     StartsWith("forebay: bucket nope: ")))
        << words[0];
    EXPECT_THAT(err_, HasSubstr("NoSuchBucket")) << words[0];
    EXPECT_THAT(err_, HasSubstr("'forebay bucket ls' lists")) << words[0];
    EXPECT_THAT(err_, HasSubstr("forebay bucket create NAME")) << words[0];
    EXPECT_THAT(err_, Not(HasSubstr("did you mean"))) << words[0];
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(CliTest, ABucketThatWasMistypedGetsTheNameThatWasMeant) {
  write("/people/ada/daat", "x");
  world_.stub().buckets["images"];
  for (std::vector<std::string> words : {std::vector<std::string>{"ls", "daat"},
                                         {"ls", "s3://imges/a"},
                                         {"cat", "dta/k"},
                                         {"stat", "dato/k"},
                                         {"cp", "datta/k", "./g"},
                                         {"cp", "daat", "s3://imagse/k"},
                                         {"cp", "s3://data/k", "s3://imagse/k"},
                                         {"rm", "daat/k"},
                                         {"rm", "-r", "imags"},
                                         {"bucket", "show", "imagez"},
                                         {"bucket", "rm", "daat"}}) {
    objects()["k"] = {"text", "\"e\"", {}};
    EXPECT_EQ(run(words), 1) << words[0];
    bool images = words.back().contains("im");
    EXPECT_THAT(err_, HasSubstr(images ? "; did you mean images?\n" : "; did you mean data?\n"))
        << words[0];
  }
}

// The stub serves both at one port; here each answers as the other one does.
TEST_F(CliTest, AnAddressOfTheOtherKindIsCalledSo) {
  world_.stub().faults = {{"GET /v1/status", 403, 1}};
  EXPECT_EQ(run({"status"}), 1);
  EXPECT_THAT(err_, HasSubstr("127.0.0.1:9000 is an S3 address, not an admin address\n"));
  EXPECT_THAT(err_, HasSubstr("--admin (FOREBAY_ADMIN) wants"));
  world_.stub().admin_only = true;
  for (const char* path : {"s3://", "data"}) {
    EXPECT_EQ(run({"ls", path}), 1);
    EXPECT_THAT(err_, HasSubstr("127.0.0.1:9000 is an admin address, where S3 is not spoken\n"));
    EXPECT_THAT(err_, HasSubstr("--s3 (FOREBAY_S3) wants"));
  }
  EXPECT_EQ(run({"stat", "data/k"}), 1);
  EXPECT_THAT(err_, HasSubstr("is an admin address")) << "also where the answer has no body";
}

TEST_F(CliTest, LsTurnsPages) {
  for (int i = 0; i < 2500; ++i) objects()["k" + std::to_string(10000 + i)];
  EXPECT_EQ(run({"ls", "data"}), 0);
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 2500);
}

TEST_F(CliTest, CpGoesUpAndDown) {
  write("/people/ada/f.txt", "hello");
  EXPECT_EQ(run({"cp", "f.txt", "s3://data/dir/", "--content-type", "text/plain"}), 0) << err_;
  EXPECT_EQ(objects()["dir/f.txt"].bytes, "hello");
  EXPECT_EQ(objects()["dir/f.txt"].headers["content-type"], "text/plain");
  EXPECT_EQ(run({"cp", "f.txt", "data/g"}), 0);
  EXPECT_EQ(objects()["g"].bytes, "hello");
  EXPECT_EQ(objects()["g"].headers["content-type"], "text/plain") << "by the file's name";
  EXPECT_EQ(run({"cp", "f.txt", "data/h", "--content-type", "x/y"}), 0);
  EXPECT_EQ(objects()["h"].headers["content-type"], "x/y");
  EXPECT_EQ(run({"cp", "./f.txt", "s3://data"}), 0);
  EXPECT_TRUE(objects().contains("f.txt"));
  EXPECT_EQ(run({"cp", "s3://data/g", "."}), 0) << err_;
  EXPECT_EQ(read("g"), "hello");
  EXPECT_EQ(run({"cp", "data/g", "./copy"}), 0) << err_;
  EXPECT_EQ(read("copy"), "hello");
  EXPECT_EQ(run({"cp", "data/g", "other"}), 0) << err_;
  EXPECT_EQ(read("other"), "hello");
  EXPECT_EQ(run({"cp", "data/g", "data/twice"}), 0) << err_;
  EXPECT_EQ(objects()["twice"].bytes, "hello") << "no folder 'data' here: an object";
  EXPECT_EQ(run({"cp", "data/g", "s3://data/thrice"}), 0) << err_;
  EXPECT_EQ(objects()["thrice"].bytes, "hello");
  write("/people/ada/folder/f", "x");
  EXPECT_EQ(run({"cp", "data/g", "folder/h"}), 0) << err_;
  EXPECT_EQ(read("folder/h"), "hello");
  EXPECT_EQ(files(), 5u);
  EXPECT_EQ(err_, "");
}

TEST_F(CliTest, CpInPartsKeepsEveryByte) {
  std::string text;
  for (int i = 0; text.size() < (12u << 20); ++i) text += std::to_string(i);
  write("/people/ada/big", text);
  EXPECT_EQ(run({"cp", "big", "s3://data/big", "--part-size", "5", "--parallel", "2"}), 0) << err_;
  EXPECT_EQ(objects()["big"].bytes, text);
  EXPECT_THAT(objects()["big"].etag, HasSubstr("-3"));
  EXPECT_EQ(run({"cp", "s3://data/big", "down"}), 0) << err_;
  EXPECT_EQ(read("down"), text);
}

TEST_F(CliTest, CpFromObjectToObjectKeepsHeaders) {
  objects()["a"] = {"text", "\"e\"", {{"content-type", "x/y"}, {"x-amz-meta-m", "1"}}};
  world_.stub().buckets["more"];
  EXPECT_EQ(run({"cp", "s3://data/a", "s3://more/dir/"}), 0) << err_;
  EXPECT_EQ(world_.stub().buckets["more"]["dir/a"].bytes, "text");
  EXPECT_EQ(world_.stub().buckets["more"]["dir/a"].headers["x-amz-meta-m"], "1");
}

TEST_F(CliTest, CpSpeaksWithTheStreams) {
  in_ = std::string(700'000, 'x') + "end";
  EXPECT_EQ(run({"cp", "-", "s3://data/in"}), 0) << err_;
  EXPECT_EQ(objects()["in"].bytes.size(), 700'003u);
  EXPECT_EQ(run({"cp", "-", "s3://data/"}), 2);
  EXPECT_THAT(err_, HasSubstr("needs a key"));
  EXPECT_EQ(run({"cp", "s3://data/in", "-"}), 0);
  EXPECT_THAT(out_, testing::EndsWith("xend"));
  EXPECT_EQ(run({"cat", "data/in"}), 0);
  EXPECT_EQ(out_.size(), 700'003u);
}

TEST_F(CliTest, CpSaysWhatItCannot) {
  write("/people/ada/f", "x");
  EXPECT_EQ(run({"cp", "./f", "./g"}), 2);
  EXPECT_THAT(err_, HasSubstr("s3://BUCKET/KEY"));
  EXPECT_EQ(run({"cp", "./none", "s3://data/"}), 1);
  EXPECT_THAT(err_, HasSubstr("/people/ada/none"));
  EXPECT_EQ(run({"cp", ".", "s3://data/x"}), 1);
  EXPECT_EQ(run({"cp", "s3://data/none", "./h"}), 1);
  EXPECT_THAT(err_, HasSubstr("s3://data/none"));
  EXPECT_EQ(run({"cp", "s3://data", "./h"}), 2);
  EXPECT_THAT(err_, HasSubstr("names no object"));
  EXPECT_EQ(run({"cp", "s3://data/x", "./nowhere/"}), 1);
  EXPECT_THAT(err_, HasSubstr("no such folder"));
  for (const char* target : {"data/", "s3://data/", "other"}) {
    EXPECT_EQ(run({"cp", "NOPE", target}), 1);
    EXPECT_EQ(err_, "forebay: no file NOPE here; write objects as s3://BUCKET/KEY\n");
  }
  EXPECT_EQ(run({"cp", "data/nope", "s3://data/"}), 1);
  EXPECT_THAT(err_, StartsWith("forebay: no file data/nope here: s3://data/nope: "));
  EXPECT_EQ(files(), 1u);
}

TEST_F(CliTest, ABrokenDownloadLeavesTheOldFile) {
  write("/people/ada/f", "old");
  objects()["f"] = {std::string(500'000, 'n'), "\"e\"", {}};
  world_.stub().cuts = std::deque<uint64_t>(50, 0);
  world_.stub().cuts.front() = 100'000;
  EXPECT_EQ(run({"cp", "s3://data/f", "f"}), 1);
  EXPECT_EQ(read("f"), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(CliTest, ProgressIsForTerminals) {
  objects()["f"] = {std::string(5'000'000, 'n'), "\"e\"", {}};
  world_.world().options().network_delay = milliseconds(100);
  EXPECT_EQ(run({"cp", "s3://data/f", "f"}), 0);
  EXPECT_EQ(err_, "");
  environment_.terminal = true;
  EXPECT_EQ(run({"cp", "s3://data/f", "f"}), 0);
  EXPECT_THAT(err_, HasSubstr("100%"));
  EXPECT_THAT(err_, HasSubstr("of 4.8 MiB"));
  EXPECT_THAT(err_, testing::EndsWith("\n"));
  EXPECT_EQ(run({"cp", "-q", "s3://data/f", "f"}), 0);
  EXPECT_EQ(err_, "");
}

TEST_F(CliTest, RmTakesOneOrAll) {
  for (int i = 0; i < 1100; ++i) objects()["d/" + std::to_string(i)];
  objects()["d"];
  objects()["e"];
  EXPECT_EQ(run({"rm", "s3://data/d"}), 0);
  EXPECT_EQ(objects().size(), 1101u);
  EXPECT_EQ(run({"rm", "data/d/"}), 0);
  EXPECT_EQ(objects().size(), 1101u);
  EXPECT_EQ(run({"rm", "data"}), 2);
  EXPECT_EQ(run({"rm", "-r", "data/d/"}), 0) << err_;
  EXPECT_EQ(out_, "removed 1100 objects\n");
  EXPECT_EQ(objects().size(), 1u);
  EXPECT_EQ(run({"rm", "-r", "data"}), 0) << err_;
  EXPECT_EQ(out_, "removed 1 object\n");
  EXPECT_EQ(run({"rm", "-r", "data"}), 0) << err_;
  EXPECT_EQ(out_, "removed 0 objects\n");
}

TEST_F(CliTest, StatShowsWhatIsKnown) {
  objects()["a"] = {std::string(2048, 'x'), "\"e\"", {{"content-type", "x/y"}}};
  EXPECT_EQ(run({"stat", "data/a"}), 0);
  EXPECT_EQ(out_,
            "object: s3://data/a\nsize: 2048 (2.0 KiB)\netag: \"e\"\n"
            "modified: 2015-10-21T07:28:00.000Z\ncontent-type: x/y\n");
  EXPECT_EQ(run({"stat", "data/none"}), 1);
  EXPECT_EQ(err_, "forebay: s3://data/none: no such object\n");
}

TEST_F(CliTest, StatusIsTheServersOwn) {
  Json more;
  more.set("path", "/d").set("bytes", 5);
  world_.stub().status.set("version", "1").set("list", Json::Array{more}).set("cache", more);
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(out_,
            "version: 1\nlist:\n  -\n    path: /d\n    bytes: 5\n"
            "cache:\n  path: /d\n  bytes: 5\n");
  EXPECT_EQ(run({"status", "--json"}), 0);
  EXPECT_THAT(out_, StartsWith(R"({"version":"1")"));
}

TEST_F(CliTest, StatusTellsOfADiskWithUnits) {
  auto disk = [](const char* path) {
    return Json()
        .set("path", path)
        .set("healthy", true)
        .set("trouble", "")
        .set("cache_size", uint64_t{0})
        .set("sharers", 1)
        .set("limit", uint64_t{3} << 30)
        .set("used", uint64_t{1288490189})
        .set("index", uint64_t{1} << 30)
        .set("bound_by", "bytes")
        .set("units", 1);
  };
  Json::Array disks{
      disk("/a"),
      disk("/b").set("cache_size", uint64_t{4} << 30).set("units", 2),
      disk("/c").set("cache_size", (uint64_t{4} << 30) + 1).set("sharers", 2),
      disk("/d").set("sharers", 3).set("bound_by", "inodes"),
      disk("/e").set("healthy", false).set("trouble", "its folder is gone").set("returns", true),
      disk("/f")
          .set("healthy", false)
          .set("trouble", "too many calls failed")
          .set("returns", false),
      disk("/g").set("lost", 2)};
  world_.stub().status.set("version", "1").set("disks", disks).set("buckets", 5);
  world_.stub().status.set("buckets_out",
                           Json::Array{Json().set("name", "x").set("trouble", "folder /x: gone")});
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(
      out_,
      "version: 1\nbuckets: 5\ndisks:\n"
      "  /a: 1.2 GiB of 3.0 GiB used, 1 unit\n"
      "  /b: 1.2 GiB of 3.0 GiB used, 2 units\n"
      "  /c: 1.2 GiB of 3.0 GiB used, 1 unit\n"
      "    cache-size asks for 4.0 GiB; this is what there is\n"
      "    shares its file system with 1 other disk\n"
      "  /d: 1.2 GiB of 3.0 GiB used, 1 unit\n"
      "    shares its file system with 2 other disks\n"
      "    inodes run out before bytes\n"
      "  /e: out of service: its folder is gone\n"
      "    reads go to the origins meanwhile, and what native buckets have here is not there; it "
      "is "
      "used again by itself as soon as it can be opened\n"
      "  /f: out of service: too many calls failed\n"
      "    reads go to the origins meanwhile, and what native buckets have here is not there; mend "
      "the disk, then restart the daemon\n"
      "  /g: 1.2 GiB of 3.0 GiB used, 1 unit\n"
      "    was gone 2 times since the start and is back; what it lost of the cache is fetched "
      "again when it is read\n"
      "buckets out of service:\n  x: folder /x: gone\n");
  EXPECT_EQ(run({"status", "--json"}), 0);
  EXPECT_THAT(out_, HasSubstr(R"("used":1288490189)"));
}

TEST_F(CliTest, StatusTellsOfRequestsAndConnections) {
  auto requests =
      Json().set("total", 1203).set("client_errors", 4).set("server_errors", 1).set("in_flight", 2);
  world_.stub().status.set("ready", true).set("draining", false).set("requests", requests);
  world_.stub().status.set("connections", Json().set("open", 12).set("limit", 4096));
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(out_,
            "ready: true\n"
            "requests: 1203 since the start, 4 client errors, 1 server error; 2 under way\n"
            "connections: 12 of at most 4096\n");
  world_.stub().status = Json().set("ready", false).set("draining", true);
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_THAT(out_, HasSubstr("draining: the daemon was told to end"));
}

TEST_F(CliTest, StatusTellsOfAJobInOneLine) {
  auto job = [](const char* name, int done, int total, const char* error) {
    return Json()
        .set("name", name)
        .set("state", "running")
        .set("done", done)
        .set("total", total)
        .set("unit", "bytes")
        .set("last_error", error);
  };
  Json::Array jobs{job("evict", 0, 0, ""), job("scrub", 0, 9, ""), job("copy", 3, 0, "busy: full")};
  world_.stub().status.set("jobs", std::move(jobs)).set("version", "1");
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(out_,
            "version: 1\nbackground jobs:\n  evict: on duty\n  scrub: running, 0 of 9 bytes\n"
            "  copy: running, 3 bytes, busy: full\n");
  world_.stub().status.set("jobs", Json::Array{});
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(out_, "version: 1\n");
}

TEST_F(CliTest, AMissingObjectIsCalledSo) {
  const std::string missing = "s3://data/none: no such object\n";
  EXPECT_EQ(run({"cp", "s3://data/none", "-"}), 1);
  EXPECT_EQ(err_, "forebay: " + missing);
  EXPECT_EQ(run({"cp", "s3://data/none", "./f"}), 1);
  EXPECT_EQ(err_, "forebay: " + missing);
  EXPECT_EQ(files(), 0u);
}

TEST_F(CliTest, ARefusedObjectIsCalledSo) {
  objects()["a"] = {"text", "\"e\"", {}};
  world_.stub().faults = {{"HEAD /data/a", 403, 1}};
  EXPECT_EQ(run({"stat", "data/a"}), 1);
  EXPECT_THAT(err_, StartsWith("forebay: s3://data/a: access denied\n"));
  EXPECT_THAT(err_, HasSubstr("no rights, or no credentials"));
  EXPECT_EQ(run({"stat", "data/a"}), 0);
}

// The answer to a HEAD has no words: those of a GET that fails alike are told.
TEST_F(CliTest, WhyAHeadFailedIsAskedFor) {
  objects()["a"] = {"text", "\"e\"", {}};
  world_.stub().faults = {{"HEAD /data/a", 503, 1}, {"GET /data/a", 503, 1}};
  EXPECT_EQ(run({"stat", "data/a"}), 1);
  EXPECT_THAT(err_, StartsWith("forebay: s3://data/a: stub: "));
}

TEST_F(CliTest, CredentialsComeFromTheStrongestPlace) {
  write("/srv/d/credentials", "[default]\naws_access_key_id=KEY\naws_secret_access_key=secret\n");
  EXPECT_EQ(run({"ls", "--data", "/none"}), 0) << "the daemon's keys came from the environment";
  environment_.variables["FOREBAY_ROOT_SECRET_KEY"] = "wrong";
  EXPECT_EQ(run({"ls"}), 1);
  EXPECT_THAT(err_, HasSubstr("SignatureDoesNotMatch"));
  EXPECT_EQ(run({"--data", "/srv/d", "ls"}), 0) << err_;
  EXPECT_EQ(run({"ls", "--data", "../../srv/d"}), 0) << err_;
  environment_.variables.erase("FOREBAY_ROOT_SECRET_KEY");
  EXPECT_EQ(run({"ls", "--data", "/none"}), 1);
  EXPECT_THAT(err_, HasSubstr("/none/credentials"));
  EXPECT_EQ(run({"ls"}), 1);
  EXPECT_THAT(err_, HasSubstr("credentials"));
  environment_.variables["FOREBAY_DATA"] = "/srv/d";
  EXPECT_EQ(run({"ls"}), 0);
  environment_.variables["AWS_ACCESS_KEY_ID"] = "OTHER";
  environment_.variables["AWS_SECRET_ACCESS_KEY"] = "x";
  EXPECT_EQ(run({"ls"}), 1);
  EXPECT_THAT(err_, HasSubstr("InvalidAccessKeyId"));
}

TEST_F(CliTest, ADaemonThatWasStartedHereIsFoundWithoutAWord) {
  environment_.variables = {{"FOREBAY_ADMIN", "127.0.0.1:9000"}};
  EXPECT_EQ(run({"ls"}), 1) << "no folder, no credentials";
  EXPECT_THAT(err_, HasSubstr("--data DIR"));
  write("/people/ada/forebay-data/credentials",
        "[default]\naws_access_key_id=KEY\naws_secret_access_key=secret\n");
  EXPECT_EQ(run({"ls"}), 0) << err_;
  EXPECT_EQ(run({"bucket", "create", "here"}), 0) << err_;
  environment_.variables["FOREBAY_DATA"] = "/none";
  EXPECT_EQ(run({"ls"}), 1) << "whoever names a folder means that one";
  EXPECT_THAT(err_, HasSubstr("/none/credentials"));
  environment_.variables.erase("FOREBAY_DATA");
  write("/people/ada/forebay-data/credentials", "no profile");
  EXPECT_EQ(run({"ls"}), 1);
  EXPECT_THAT(err_, HasSubstr("forebay-data/credentials"));
}

TEST_F(CliTest, AddressesComeFromFlagsAndVariables) {
  EXPECT_EQ(run({"--s3", "127.0.0.1:1", "ls"}), 1);
  environment_.variables["FOREBAY_S3"] = "127.0.0.1:1";
  EXPECT_EQ(run({"ls"}), 1);
  EXPECT_EQ(run({"--s3", "http://127.0.0.1:9000", "ls"}), 0);
  EXPECT_EQ(run({"--s3", "nonsense", "ls"}), 2);
  EXPECT_EQ(run({"--s3", "https://h:1", "--ca-bundle", "/no/such.pem", "ls"}), 2);
  EXPECT_THAT(err_, HasSubstr("/no/such.pem: No such file or directory"));
  EXPECT_EQ(run({"--admin", "127.0.0.1:1", "status"}), 1);
}

TEST_F(CliTest, ACancelUndoesACopy) {
  objects()["f"] = {std::string(5'000'000, 'n'), "\"e\"", {}};
  write("/people/ada/up", std::string(12'000'000, 'u'));
  world_.world().options().network_delay = milliseconds(100);
  for (std::vector<std::string> arguments : {std::vector<std::string>{"cp", "s3://data/f", "down"},
                                             {"cp", "up", "s3://data/up", "--part-size", "5"}}) {
    CancelToken token;
    io::Loop& loop = world_.world().loop();
    io::start<void>(loop, io::sleep_until(loop.now() + seconds(1), world_.context()),
                    [&](Result<>) { token.cancel(); });
    Context ctx = world_.context().under(token);
    err_.clear();
    EXPECT_EQ(world_.run(cli::run(arguments, environment_, streams_, ctx)).value(), 1);
    EXPECT_THAT(err_, HasSubstr("cancelled"));
    EXPECT_EQ(files(), 1u);
    EXPECT_TRUE(world_.stub().uploads.empty());
    EXPECT_FALSE(objects().contains("up"));
  }
}

TEST_F(CliTest, ABusyServerIsAskedAgain) {
  write("/people/ada/f", "x");
  world_.stub().faults = {{"PUT", 503, 2}};
  EXPECT_EQ(run({"cp", "f", "s3://data/f"}), 0) << err_;
  world_.stub().faults = {{"PUT", 503, 100}};
  EXPECT_EQ(run({"cp", "f", "s3://data/f"}), 1);
  EXPECT_THAT(err_, HasSubstr("SlowDown"));
}

TEST_F(CliTest, RmStopsAtTheFirstError) {
  for (int i = 0; i < 40; ++i) objects()["d/" + std::to_string(i)];
  world_.stub().faults = {{"DELETE /data/d/2", 403, 1}};
  EXPECT_EQ(run({"rm", "-r", "data/d/"}), 1);
  EXPECT_THAT(err_, HasSubstr("s3://data/d/2"));
  EXPECT_GE(objects().size(), 20u);
}

TEST_F(CliTest, AClosedOutputIsAFailure) {
  objects()["a"] = {"text", "\"e\"", {}};
  streams_.out = [](std::string_view) -> Result<> {
    return fail(Code::unavailable, "standard output: Broken pipe");
  };
  EXPECT_EQ(run({"ls", "data"}), 1);
  EXPECT_EQ(run({"cat", "data/a"}), 1);
  EXPECT_THAT(err_, HasSubstr("Broken pipe"));
}

}  // namespace
}  // namespace forebay::cli

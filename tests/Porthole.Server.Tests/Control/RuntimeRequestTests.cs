using System.Text;
using Porthole.Protocol.Aws;
using Porthole.Sandboxes.Images;
using Porthole.Server.Api;
using Porthole.Server.Control;
using Porthole.Server.Images;

namespace Porthole.Server.Tests.Control;

public sealed class RuntimeRequestTests
{
    private const string Least = """
        "agentRuntimeName":"agent","roleArn":"arn:x","agentRuntimeArtifact":{"containerConfiguration":{"containerUri":"localhost/foo:1"}}
        """;

    private const string Container = "agentRuntimeArtifact.containerConfiguration.containerUri", Code = "agentRuntimeArtifact.codeConfiguration.code";
    private const string CodeEnd = "\"runtime\":\"NODE_22\",\"entryPoint\":[\"main.js\"]}}";

    private static readonly LocalSources Sources = new("/data/inbox", ["/srv/images"]);

    private static RuntimeRequest Create(string more = "")
    {
        var fields = RequestFields.Parse(Encoding.UTF8.GetBytes($"{{{Least}{(more.Length > 0 ? "," : "")}{more}}}"));
        var request = RuntimeRequest.ReadCreate(fields, Sources);
        fields.ThrowIfWrong();
        return request;
    }

    private static IReadOnlyList<AwsFieldError> Refused(Action read)
    {
        var error = Assert.Throws<AwsException>(read).Error;
        Assert.Equal((400, "ValidationException", "FieldValidationFailed"), (error.Status, error.Name, error.Reason));
        Assert.All(error.Fields!, field => Assert.StartsWith(field.Name, field.Message, StringComparison.Ordinal));
        return error.Fields!;
    }

    [Fact]
    public void What_is_left_out_has_the_services_defaults()
    {
        var configuration = Create().Configuration;
        Assert.Equal("PUBLIC", configuration.NetworkConfiguration.NetworkMode);
        Assert.Equal((900, 28_800), (configuration.LifecycleConfiguration.IdleRuntimeSessionTimeout, configuration.LifecycleConfiguration.MaxLifetime));
        Assert.Null(configuration.ProtocolConfiguration);
        Assert.Empty(configuration.EnvironmentVariables);
    }

    [Theory]
    [InlineData("""{"maxLifetime":600}""", 600, 600)]
    [InlineData("""{"maxLifetime":1200}""", 900, 1200)]
    [InlineData("""{"idleRuntimeSessionTimeout":60}""", 60, 28_800)]
    [InlineData("""{"idleRuntimeSessionTimeout":300,"maxLifetime":300}""", 300, 300)]
    [InlineData("{}", 900, 28_800)]
    public void A_life_time_alone_is_also_the_idle_time_when_it_is_shorter_than_the_usual_one(string lifecycle, int idle, int max)
    {
        var read = Create($"\"lifecycleConfiguration\":{lifecycle}").Configuration.LifecycleConfiguration;
        Assert.Equal((idle, max), (read.IdleRuntimeSessionTimeout, read.MaxLifetime));
    }

    [Theory]
    [InlineData("\"agentRuntimeName\":\"with-dash\"", "agentRuntimeName")]
    [InlineData("\"agentRuntimeName\":\"a234567890123456789012345678901234567890123456789\"", "agentRuntimeName")]
    [InlineData("\"agentRuntimeName\":\"line\\n\"", "agentRuntimeName")]
    [InlineData("\"roleArn\":7", "roleArn")]
    [InlineData("\"description\":\"\"", "description")]
    [InlineData("\"networkConfiguration\":{\"networkMode\":\"LAN\"}", "networkConfiguration.networkMode")]
    [InlineData("\"networkConfiguration\":{\"networkMode\":\"VPC\",\"networkModeConfig\":{\"subnets\":[]}}", "networkConfiguration.networkModeConfig.subnets")]
    [InlineData("\"protocolConfiguration\":{}", "protocolConfiguration.serverProtocol")]
    [InlineData("\"protocolConfiguration\":{\"serverProtocol\":\"http\"}", "protocolConfiguration.serverProtocol")]
    [InlineData("\"lifecycleConfiguration\":{\"maxLifetime\":59}", "lifecycleConfiguration.maxLifetime")]
    [InlineData("\"lifecycleConfiguration\":{\"maxLifetime\":28801}", "lifecycleConfiguration.maxLifetime")]
    [InlineData("\"lifecycleConfiguration\":{\"maxLifetime\":60.5}", "lifecycleConfiguration.maxLifetime")]
    [InlineData("\"lifecycleConfiguration\":{\"idleRuntimeSessionTimeout\":601,\"maxLifetime\":600}", "lifecycleConfiguration.idleRuntimeSessionTimeout")]
    [InlineData("\"environmentVariables\":{\"A=B\":\"x\"}", "environmentVariables")]
    [InlineData("\"environmentVariables\":{\"A\":7}", "environmentVariables.A")]
    [InlineData("\"environmentVariables\":{\"A\":\"x\\u0000\"}", "environmentVariables.A")]
    [InlineData("\"environmentVariables\":[]", "environmentVariables")]
    [InlineData("\"requestHeaderConfiguration\":{\"requestHeaderAllowlist\":[\"X-Fine\",\"1\"]}", "requestHeaderConfiguration.requestHeaderAllowlist[1]")]
    [InlineData("\"filesystemConfigurations\":[{\"sessionStorage\":{\"mountPath\":\"/mnt/..\"}}]", "filesystemConfigurations[0].sessionStorage.mountPath")]
    [InlineData("\"filesystemConfigurations\":[{\"sessionStorage\":{\"mountPath\":\"/mnt/a/b\"}}]", "filesystemConfigurations[0].sessionStorage.mountPath")]
    [InlineData("\"filesystemConfigurations\":[{\"sessionStorage\":{\"mountPath\":\"/mnt/a\"}},{\"sessionStorage\":{\"mountPath\":\"/mnt/b\"}}]", "filesystemConfigurations[1].sessionStorage")]
    [InlineData("\"filesystemConfigurations\":[{\"efsAccessPoint\":{\"mountPath\":\"/mnt/a\"}}]", "filesystemConfigurations[0].sessionStorage")]
    [InlineData("\"agentRuntimeArtifact\":{\"containerConfiguration\":{\"containerUri\":\"Not An Image\"}}", Container)]
    [InlineData("\"agentRuntimeArtifact\":{\"containerConfiguration\":{\"containerUri\":\"oci:relative\"}}", Container)]
    [InlineData("\"agentRuntimeArtifact\":{\"containerConfiguration\":{\"containerUri\":\"oci:/etc:latest\"}}", Container)]
    [InlineData("\"agentRuntimeArtifact\":{\"containerConfiguration\":{\"containerUri\":\"docker-archive:/data/inbox/../porthole.db\"}}", Container)]
    [InlineData("\"agentRuntimeArtifact\":{\"containerConfiguration\":{\"containerUri\":\"docker-archive:/srv/images-of-others/a.tar\"}}", Container)]
    [InlineData("\"agentRuntimeArtifact\":{\"codeConfiguration\":{\"code\":{\"s3\":{\"bucket\":\"/etc\",\"prefix\":\"a.zip\"}}," + CodeEnd, Code)]
    [InlineData("\"agentRuntimeArtifact\":{\"codeConfiguration\":{\"code\":{\"s3\":{\"bucket\":\"..\",\"prefix\":\"porthole.db\"}}," + CodeEnd, Code)]
    [InlineData("\"agentRuntimeArtifact\":{\"codeConfiguration\":{\"code\":{\"s3\":{\"bucket\":\"mine\",\"prefix\":\"../../a.zip\"}}," + CodeEnd, Code)]
    [InlineData("\"tags\":{\"a\\u0001\":\"x\"}", "tags")]
    [InlineData("\"tags\":{\"porthole:isolation\":\"none\"}", "tags")]
    [InlineData("\"authorizerConfiguration\":{}", "authorizerConfiguration.customJWTAuthorizer")]
    [InlineData("\"authorizerConfiguration\":{\"customJWTAuthorizer\":{\"discoveryUrl\":\"https://idp.example\"}}", "authorizerConfiguration.customJWTAuthorizer.discoveryUrl")]
    public void A_wrong_field_is_named_by_its_path(string field, string path)
    {
        // The last of two members with one name counts.
        Assert.Equal(path, Assert.Single(Refused(() => Create(field))).Name);
    }

    [Theory]
    [InlineData("STRING_ARRAY", "EQUALS", "\"matchValueString\":\"a\"")]
    [InlineData("STRING", "CONTAINS", "\"matchValueString\":\"a\"")]
    [InlineData("STRING_ARRAY", "CONTAINS_ANY", "\"matchValueString\":\"a\"")]
    public void A_claim_that_no_token_can_have_is_refused(string type, string comparison, string value)
    {
        var claim = $$$$"""
            "authorizerConfiguration":{"customJWTAuthorizer":{"discoveryUrl":"https://idp.example/.well-known/openid-configuration","customClaims":[
            {"inboundTokenClaimName":"team","inboundTokenClaimValueType":"{{{{type}}}}",
             "authorizingClaimMatchValue":{"claimMatchOperator":"{{{{comparison}}}}","claimMatchValue":{{{{{value}}}}}}}]}}
            """;
        Assert.EndsWith("claimMatchOperator", Assert.Single(Refused(() => Create(claim))).Name, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_missing_is_named_at_once()
    {
        var fields = RequestFields.Parse("{}"u8.ToArray());
        _ = RuntimeRequest.ReadCreate(fields, Sources);
        Assert.Equal(["agentRuntimeName", "agentRuntimeArtifact", "roleArn"], Refused(fields.ThrowIfWrong).Select(field => field.Name));
    }

    [Fact]
    public void An_artifact_is_an_image_or_code_and_not_both()
    {
        const string code = """{"code":{"s3":{"bucket":"local","prefix":"a.zip"}},"runtime":"PYTHON_3_12","entryPoint":["main.py"]}""";
        Refused(() => Create("\"agentRuntimeArtifact\":{\"containerConfiguration\":{\"containerUri\":\"host\"},\"codeConfiguration\":" + code + "}"));
        var read = Create("\"agentRuntimeArtifact\":{\"codeConfiguration\":" + code + "}").Configuration.AgentRuntimeArtifact.CodeConfiguration!;
        Assert.Equal(("a.zip", "PYTHON_3_12", "main.py"), (read.Code.S3!.Prefix, read.Runtime, Assert.Single(read.EntryPoint)));
    }

    [Theory]
    [InlineData("oci:/data/inbox/agent:1")]
    [InlineData("docker-archive:/srv/images/agent.tar")]
    [InlineData("registry.example/team/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("host")]
    public void An_image_of_a_registry_or_of_a_directory_that_is_allowed_is_accepted(string uri) =>
        Assert.Equal(uri, Create($$$"""
            "agentRuntimeArtifact":{"containerConfiguration":{"containerUri":"{{{uri}}}"}}
            """).Configuration.AgentRuntimeArtifact.ContainerConfiguration!.ContainerUri);

    [Fact]
    public void A_link_is_followed_before_it_is_decided()
    {
        using var directory = new TemporaryDirectory();
        var sources = new LocalSources(Path.Combine(directory.Path, "inbox"), []);
        Directory.CreateDirectory(Path.Combine(directory.Path, "inbox", "inner"));
        File.CreateSymbolicLink(Path.Combine(directory.Path, "inbox", "out.tar"), "/etc/passwd");
        File.CreateSymbolicLink(Path.Combine(directory.Path, "inbox", "in"), Path.Combine(directory.Path, "inbox", "inner"));
        Assert.Throws<ImageException>(() => sources.ParseImage($"docker-archive:{directory.Path}/inbox/out.tar"));
        sources.ParseImage($"oci:{directory.Path}/inbox/in");
    }

    [Fact]
    public void Unknown_members_are_ignored_and_nulls_are_as_good_as_none() =>
        Assert.Null(Create("\"platformVersion\":\"V2\",\"somethingNew\":{\"a\":[1]},\"description\":null,\"tags\":null").Configuration.Description);

    [Theory]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{")]
    [InlineData("{}{}")]
    public void A_body_that_is_no_object_cannot_be_read(string body) =>
        Assert.Equal("CannotParse", Assert.Throws<AwsException>(() => RequestFields.Parse(Encoding.UTF8.GetBytes(body))).Error.Reason);

    [Fact]
    public void Fifty_one_variables_are_too_many()
    {
        var variables = string.Join(',', Enumerable.Range(0, 51).Select(i => $"\"V{i}\":\"\""));
        Assert.Equal("environmentVariables", Assert.Single(Refused(() => Create($"\"environmentVariables\":{{{variables}}}"))).Name);
    }

    [Fact]
    public void What_was_read_survives_being_kept()
    {
        var configuration = Create("""
            "networkConfiguration":{"networkMode":"VPC","networkModeConfig":{"securityGroups":["sg-12345678"],"subnets":["subnet-12345678"]}},
            "environmentVariables":{"B":"2","A":"1"},"filesystemConfigurations":[{"sessionStorage":{"mountPath":"/mnt/data"}}],
            "authorizerConfiguration":{"customJWTAuthorizer":{"discoveryUrl":"https://idp.example/.well-known/openid-configuration","allowedClients":["c"]}}
            """).Configuration;
        Assert.Equal(configuration.ToJson(), Runtimes.RuntimeConfiguration.FromJson(configuration.ToJson()).ToJson());
        Assert.Equal("c", Assert.Single(Runtimes.RuntimeConfiguration.FromJson(configuration.ToJson()).AuthorizerConfiguration!.CustomJWTAuthorizer!.AllowedClients!));
    }
}
